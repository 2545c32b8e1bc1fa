// Talking to the sandbox: every call is plain HTTP on the port the page came from.

export async function get(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error(await problem(answer));
  return answer.json();
}

export async function post(path, body = {}) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(await problem(answer));
  return answer.json();
}

export async function clearFault(id) {
  await fetch(`/control/faults?id=${id}`, { method: "DELETE" });
}

async function problem(answer) {
  try {
    return (await answer.json()).error || `HTTP ${answer.status}`;
  } catch {
    return `HTTP ${answer.status}`;
  }
}

// Keep asking, for ever; `lost` is told when the sandbox stops answering and when it is back.
export async function follow(ask, lost) {
  for (;;) {
    try {
      await ask();
      lost(false);
    } catch (error) {
      if (!(error instanceof TypeError) && !/HTTP 5/.test(error.message)) console.error(error);
      lost(true);
      await pause(1000);
    }
  }
}

export function pause(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds));
}
