// The side of the page: alerts as they climb, the audit trail, the guide, and trouble on purpose.

import { clearFault, get, post } from "/page/wire.js";
import { clockTime, shortDay, untilWords } from "/page/times.js";
import { element } from "/page/phone.js";

const byId = (id) => document.getElementById(id);
let drawn = {};

// Redraw a part only when what it shows has changed, so that focus and screen readers are left alone.
function when(name, value, draw) {
  const text = JSON.stringify(value);
  if (drawn[name] === text) return;
  drawn[name] = text;
  draw();
}

export function drawAlerts(scene, act) {
  const shown = scene.alerts.map((each) => [each, each.next_at && untilWords(each.next_at, scene.now)]);
  when("alerts", shown, () => {
    const nodes = scene.alerts.map((each) => drawAlert(each, scene, act));
    if (!nodes.length) nodes.push(element("p", "none", "No alert. When a reply is frightening, it appears here and climbs."));
    byId("alerts").replaceChildren(...nodes);
  });
}

function drawAlert(alert, scene, act) {
  const node = element("article", `alert ${alert.level} ${alert.state}`);
  const top = element("div", "alert-top");
  top.append(element("span", "level", alert.state === "resolved" ? "Resolved" : alert.level_words));
  top.append(element("strong", "", alert.code));
  node.append(top, element("p", "", alert.reason));
  const steps = element("ol", "steps");
  for (const step of alert.steps) {
    const line = element("li", step.at ? "" : "ahead");
    line.append(element("span", "", step.words));
    if (step.at) line.append(element("time", "", clockTime(step.at)));
    steps.append(line);
  }
  node.append(steps);
  if (alert.next_at) {
    const next = element("div", "next");
    next.append(element("span", "", `Next: ${alert.next_words} ${untilWords(alert.next_at, scene.now)}`));
    const skip = element("button", "", "Go there");
    skip.type = "button";
    skip.setAttribute("aria-label", `Move the clock to then: ${alert.next_words}`);
    skip.addEventListener("click", () => act("/control/clock", { set: alert.next_at }));
    next.append(skip);
    node.append(next);
  }
  return node;
}

export function drawAudit(scene) {
  when("audit", scene.audit, () => {
    const lines = scene.audit.map((each) => {
      const line = element("li", "");
      const time = element("time", "", clockTime(each.at));
      time.title = shortDay(each.at);
      line.append(time, element("span", "", each.words));
      return line;
    });
    byId("audit").replaceChildren(...lines);
  });
}

export function drawGuide(scene, phones) {
  when("guide", scene.guide, () => {
    const current = scene.guide.findIndex((each) => !each.done);
    const lines = scene.guide.map((each, index) => {
      const line = element("li", each.done ? "done" : "");
      const words = element("div", "", each.words);
      if (each.done) words.append(element("span", "hidden", " (done)"));
      line.append(words);
      if (index === current) line.setAttribute("aria-current", "step");
      if (each.say && !each.done) {
        const button = element("button", "", `“${each.say}”`);
        button.type = "button";
        button.addEventListener("click", () => phones.get(each.person)?.say(each.say));
        words.append(document.createElement("br"), button);
      }
      return line;
    });
    byId("guide").replaceChildren(...lines);
  });
}

export function drawBot(scene) {
  const bot = scene.bot;
  const words = bot.running ? `The bot is running${bot.starts > 1 ? `, started ${bot.starts} times` : ""}.` : "The bot is down; it is being started again.";
  when("bot", words, () => {
    byId("bot-state").textContent = words;
  });
}

export function listenToTrouble(act) {
  byId("kill").addEventListener("click", () => act("/demo/kill", {}));
  for (const button of document.querySelectorAll("[data-fault]")) {
    button.addEventListener("click", () => toggleFault(button, Number(button.dataset.fault)));
  }
}

async function toggleFault(button, status) {
  const sends = "sendMessage,editMessageText,answerCallbackQuery,getUpdates";
  const on = button.getAttribute("aria-checked") === "true";
  const { faults } = await get("/control/faults");
  for (const each of faults.filter((fault) => fault.status === status)) await clearFault(each.id);
  if (!on) {
    const fault = status === 429 ? { status, retry_after: 5, method: "sendMessage,editMessageText" } : { status, kind: "html", method: sends };
    await post("/control/fault", { ...fault, times: 0 });
  }
  button.setAttribute("aria-checked", String(!on));
}
