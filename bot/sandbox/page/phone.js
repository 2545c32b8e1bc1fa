// One phone: its messages as they stand now, what its owner can type, press and send.

import { get, post } from "/page/wire.js";
import { clockTime, dayName } from "/page/times.js";
import { openMenu } from "/page/menu.js";

const TOAST_MS = 4000;
const FACES = ["#0f5c57", "#7a4b00", "#4d4a8f", "#7a2e52", "#2f5d1e"];

export class Phone {
  constructor(owner, index, template, strip) {
    this.owner = owner;
    this.messages = new Map();
    this.nodes = new Map();
    this.waiting = true;
    this.root = template.content.firstElementChild.cloneNode(true);
    this.root.id = `phone-${owner.person}`;
    this.root.dataset.person = owner.person;
    this.root.setAttribute("aria-label", `${owner.title}: ${owner.name}`);
    const face = this.part(".face");
    face.textContent = owner.name.replace(/^(Dr|Sr)\.? /, "")[0];
    face.style.cssText = `background:${FACES[index % FACES.length]};color:#fff`;
    this.part("h2").textContent = owner.title;
    this.part(".who p").textContent = owner.code ? `${owner.name}, ${owner.code}` : owner.name;
    this.log = this.part(".log");
    this.log.setAttribute("aria-label", `Messages on ${owner.title}'s phone`);
    this.field = this.part("textarea");
    this.field.setAttribute("aria-label", `Message from ${owner.name}`);
    this.part(".send").setAttribute("aria-label", `Send as ${owner.name}`);
    this.listen();
    strip.append(this.root);
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  listen() {
    this.part("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.say(this.field.value);
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.say(this.field.value);
      }
    });
    this.part(".command-button").addEventListener("click", (event) => this.showCommands(event.currentTarget));
    this.part(".more-button").addEventListener("click", (event) => this.showMore(event.currentTarget));
  }

  async act(path, body) {
    try {
      return await post(`/control/${path}`, { person: this.owner.person, bot: this.owner.bot, ...body });
    } catch (error) {
      this.toast(error.message.replace(/^\/control\/\w+: /, ""));
      return null;
    }
  }

  async say(text) {
    if (!text.trim()) return;
    this.field.value = "";
    await this.act("say", { text });
  }

  async showCommands(button) {
    const menu = await get(`/control/menu?person=${this.owner.person}&bot=${this.owner.bot}`);
    const choices = menu.commands.map((each) => ({
      html: [`/${each.command}`, each.description],
      run: () => this.say(`/${each.command}`),
    }));
    if (!choices.length) choices.push({ html: ["/start", "Begin"], run: () => this.say("/start") });
    openMenu(button, this.part(".command-menu"), choices);
  }

  showMore(button) {
    const own = [...this.messages.values()].filter((each) => !each.from_bot && !each.deleted_at && each.kind === "text");
    const last = own[own.length - 1];
    const choices = [
      { html: ["", "Send a photo"], run: () => this.act("photo", {}) },
      { html: ["", "Send a voice message"], run: () => this.act("voice", {}) },
      { html: ["", "Send a sticker"], run: () => this.act("sticker", {}) },
      { html: ["", "Block the bot"], run: () => this.act("block", {}).then((done) => done && this.toast("Blocked")) },
      { html: ["", "Unblock the bot"], run: () => this.act("unblock", {}).then((done) => done && this.toast("Unblocked")) },
    ];
    if (last) choices.splice(3, 0, { html: ["", "Change my last message"], run: () => this.change(last) });
    openMenu(button, this.part(".more-menu"), choices);
  }

  async change(message) {
    const words = window.prompt("Change the message to:", message.text);
    if (words && words !== message.text) await this.act("edit", { message_id: message.message_id, text: words });
  }

  async press(message, button, node) {
    this.pressed = message.message_id;
    node.setAttribute("aria-busy", "true");
    const tapped = await this.act("tap", {
      bot: message.bot || this.owner.bot,
      message_id: message.message_id,
      data: button.data,
    });
    node.removeAttribute("aria-busy");
    if (!tapped) return;
    const answer = await get(`/control/callback?id=${tapped.callback_id}&wait=8`);
    if (answer.alert && answer.text) this.box(answer.text);
    else if (answer.text) this.toast(answer.text);
  }

  box(text) {
    const box = document.getElementById("box");
    box.querySelector("p").textContent = text;
    box.showModal();
  }

  toast(text) {
    const line = this.part(".toast");
    line.textContent = text;
    line.classList.add("shown");
    clearTimeout(this.fading);
    this.fading = setTimeout(() => {
      line.classList.remove("shown");
      line.textContent = "";
    }, TOAST_MS);
  }

  // Take a message as it stands now: put it in, change it in place, or take it away.
  take(message) {
    const old = this.nodes.get(message.message_id);
    const atEnd = this.waiting || this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 90;
    this.messages.set(message.message_id, message);
    if (message.deleted_at) {
      old?.remove();
      this.nodes.delete(message.message_id);
    } else {
      const hadFocus = old?.contains(document.activeElement) || this.pressed === message.message_id;
      const node = this.draw(message);
      if (old) {
        node.style.animation = "none";
        old.replaceWith(node);
      } else this.place(message, node);
      this.nodes.set(message.message_id, node);
      if (hadFocus && old && (document.activeElement === document.body || !document.activeElement)) {
        (node.querySelector(".keys button") || this.log).focus({ preventScroll: true });
      }
    }
    this.showPinned();
    if (atEnd || !message.from_bot) this.log.scrollTop = this.log.scrollHeight;
  }

  place(message, node) {
    const day = dayName(message.sent_at);
    if (day !== this.lastDay) {
      this.lastDay = day;
      const line = document.createElement("p");
      line.className = "day";
      line.textContent = day;
      this.log.append(line);
    }
    this.log.append(node);
  }

  draw(message) {
    const node = document.createElement("article");
    node.className = `message${message.from_bot ? "" : " mine"}${message.buttons.length ? " keyed" : ""}`;
    node.dataset.message = message.message_id;
    const bubble = element("div", "bubble");
    node.append(bubble);
    bubble.append(element("span", "hidden", message.from_bot ? "Aftercare: " : `${this.owner.name}: `));
    if (message.reply_to && this.messages.has(message.reply_to)) {
      bubble.append(element("p", "quote", this.messages.get(message.reply_to).text));
    }
    const media = drawMedia(message);
    if (media) bubble.append(media);
    if (message.text) bubble.append(element("div", "words", shownWords(message)));
    bubble.append(this.drawMeta(message));
    const emoji = Object.values(message.reactions).flat();
    if (emoji.length) node.append(element("span", "reactions", emoji.join(" ")));
    if (message.buttons.length) node.append(this.drawKeys(message));
    return node;
  }

  drawMeta(message) {
    const meta = element("p", "meta");
    const marks = [];
    if (message.silent) marks.push("silent");
    if (message.protected) marks.push("not forwardable");
    if (message.edited) marks.push("edited");
    if (marks.length) meta.append(element("span", "", marks.join(", ")));
    const time = element("time", "", clockTime(message.sent_at));
    time.dateTime = message.sent_at;
    meta.append(time);
    return meta;
  }

  drawKeys(message) {
    const keys = element("div", "keys");
    keys.setAttribute("role", "group");
    keys.setAttribute("aria-label", "Buttons");
    for (const row of message.buttons) {
      const line = element("div", "");
      for (const each of row) {
        const button = element("button", each.style || "", each.label);
        button.type = "button";
        button.addEventListener("click", () => this.press(message, each, button));
        line.append(button);
      }
      keys.append(line);
    }
    return keys;
  }

  showPinned() {
    const pinned = [...this.messages.values()].filter((each) => each.pinned && !each.deleted_at).pop();
    const line = this.part(".pinned");
    line.hidden = !pinned;
    line.textContent = pinned ? `Pinned: ${pinned.text.split("\n").filter(Boolean)[0] || ""}` : "";
    line.title = pinned ? pinned.text : "";
  }
}

export function element(name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

// As Telegram does, show a link's /start without the code it carries.
function shownWords(message) {
  return message.from_bot ? message.text : message.text.replace(/^\/start \S+$/, "/start");
}

const KINDS = { voice: "Voice message", sticker: "Sticker", video: "Video", location: "Location", contact: "Contact", poll: "Poll" };

function drawMedia(message) {
  const media = message.media;
  if (!media) return null;
  if (media.photo) {
    const picture = element("img", "");
    const small = media.photo[media.photo.length - 1];
    picture.alt = message.text ? "" : "Photo";
    picture.src = `/control/file?id=${small.file_id}`;
    return small.width > 20 ? picture : element("div", "words", "🖼 Photo");
  }
  if (media.document) {
    const link = element("a", "button", `Download ${media.document.file_name}`);
    link.href = `/control/file?id=${media.document.file_id}`;
    link.download = media.document.file_name;
    return link;
  }
  return element("div", "words", `${KINDS[message.kind] || message.kind}`);
}
