// The page: phones side by side, the clock above them, what happens behind them at the side.

import { follow, get, pause, post } from "/page/wire.js";
import { clockTime, dayName, placeName, setZone } from "/page/times.js";
import { Phone } from "/page/phone.js";
import { drawAlerts, drawAudit, drawBot, drawGuide, listenToTrouble } from "/page/panels.js";

const SCENE_EVERY_MS = 900;
const byId = (id) => document.getElementById(id);
const phones = new Map();
const unread = new Map();
let chosen = null;
let change = 0;
let ahead = 0;

async function act(path, body) {
  try {
    const answer = await post(path, body);
    await readScene();
    byId("said").textContent = answer.now ? `The clock is now at ${clockTime(answer.now)}, ${dayName(answer.now)}` : "Done";
    return answer;
  } catch (error) {
    byId("bot-state").textContent = error.message;
    return null;
  }
}

// Phones

function addPhones(cast) {
  cast.forEach((owner, index) => {
    if (phones.has(owner.person)) return;
    phones.set(owner.person, new Phone(owner, index, byId("phone"), byId("strip")));
    const tab = document.createElement("button");
    tab.type = "button";
    tab.id = `tab-${owner.person}`;
    tab.dataset.person = owner.person;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", `phone-${owner.person}`);
    tab.textContent = owner.title;
    tab.addEventListener("click", () => choose(owner.person));
    byId("tabs").append(tab);
  });
  if (chosen === null && cast.length) choose(cast[0].person);
}

function choose(person) {
  chosen = person;
  unread.delete(person);
  for (const [id, phone] of phones) {
    phone.root.classList.toggle("chosen", id === person);
    const tab = byId(`tab-${id}`);
    tab.setAttribute("aria-selected", String(id === person));
    tab.tabIndex = id === person ? 0 : -1;
  }
  const log = phones.get(person).log;
  log.scrollTop = log.scrollHeight;
  drawBadges();
}

byId("tabs").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const people = [...phones.keys()];
  const next = people[(people.indexOf(chosen) + step + people.length) % people.length];
  choose(next);
  byId(`tab-${next}`).focus();
});

function drawBadges() {
  for (const id of phones.keys()) {
    const tab = byId(`tab-${id}`);
    tab.querySelector(".badge")?.remove();
    if (!unread.get(id)) continue;
    const badge = document.createElement("span");
    badge.className = "badge";
    badge.textContent = unread.get(id);
    badge.setAttribute("aria-label", `${unread.get(id)} new`);
    tab.append(badge);
  }
}

function mark(phone, message) {
  if (!message.from_bot || message.edited || message.deleted_at || phone.waiting) return;
  const person = phone.owner.person;
  if (person !== chosen) unread.set(person, (unread.get(person) || 0) + 1);
  phone.root.classList.add(phone.owner.staff ? "ringing" : "fresh");
  setTimeout(() => phone.root.classList.remove("ringing", "fresh"), 2500);
}

async function readMessages() {
  const answer = await get(`/control/transcript?after=${change}&wait=25`);
  for (const message of answer.messages) {
    change = Math.max(change, message.change);
    const owner = phones.get(message.chat_id);
    if (!owner || (owner.owner.bot !== message.bot && !owner.owner.staff)) continue;
    mark(owner, message);
    owner.take(message);
  }
  for (const phone of phones.values()) phone.waiting = false;
  drawBadges();
}

// The clock and the side

function drawClock() {
  const now = Date.now() + ahead;
  byId("now").textContent = clockTime(now);
  byId("now").dateTime = new Date(now).toISOString();
  byId("day").textContent = `${dayName(now)}, ${placeName()}`;
}

// Without the demonstration there is only the sandbox: everybody's phone, and the clock.
async function bareScene() {
  const { people } = await get("/control/people");
  const { now } = await get("/control/clock");
  document.body.classList.add("bare");
  const cast = people.map((each) => ({ person: each.id, bot: "care", title: each.first_name, name: each.first_name }));
  return { now, zone: "UTC", cast, next_check_in: null, alerts: [], audit: [], guide: [], bot: null };
}

async function readScene() {
  const scene = document.body.classList.contains("bare") ? await bareScene() : await get("/demo/scene").catch((error) => {
    if (error.message === "HTTP 404") return bareScene();
    throw error;
  });
  setZone(scene.zone);
  ahead = new Date(scene.now) - Date.now();
  addPhones(scene.cast);
  drawClock();
  const next = byId("next-check-in");
  next.disabled = !scene.next_check_in;
  next.title = scene.next_check_in ? scene.next_check_in.words : "No check-in is planned";
  drawAlerts(scene, act);
  drawAudit(scene);
  drawGuide(scene, phones);
  if (scene.bot) drawBot(scene);
}

function lost(isLost) {
  byId("lost").hidden = !isLost;
}

for (const button of document.querySelectorAll("[data-move]")) {
  button.addEventListener("click", () => act("/control/clock", { move: Number(button.dataset.move) }));
}
byId("next-check-in").addEventListener("click", () => act("/demo/next-check-in", {}));
listenToTrouble(act);
setInterval(drawClock, 1000);

await readScene().catch(() => lost(true));
follow(readMessages, lost);
follow(async () => {
  await pause(SCENE_EVERY_MS);
  if (!document.hidden) await readScene();
}, lost);
