// A small menu under a button: arrow keys move, Escape closes, focus goes back where it came from.

let open = null;

export function closeMenus(giveFocusBack = false) {
  if (!open) return;
  const { button, menu } = open;
  open = null;
  menu.hidden = true;
  menu.replaceChildren();
  button.setAttribute("aria-expanded", "false");
  if (giveFocusBack) button.focus();
}

export function openMenu(button, menu, choices) {
  const again = open && open.button === button;
  closeMenus();
  if (again) return;
  menu.setAttribute("role", "menu");
  for (const choice of choices) {
    const item = document.createElement("button");
    item.type = "button";
    item.setAttribute("role", "menuitem");
    const [strong, words] = choice.html;
    if (strong) {
      const name = document.createElement("b");
      name.textContent = strong;
      item.append(name);
    }
    item.append(words);
    item.addEventListener("click", () => {
      closeMenus(true);
      choice.run();
    });
    menu.append(item);
  }
  menu.hidden = false;
  button.setAttribute("aria-expanded", "true");
  open = { button, menu };
  menu.firstElementChild?.focus();
}

document.addEventListener("keydown", (event) => {
  if (!open) return;
  if (event.key === "Escape") closeMenus(true);
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  event.preventDefault();
  const items = [...open.menu.children];
  const at = items.indexOf(document.activeElement);
  const step = event.key === "ArrowDown" ? 1 : -1;
  items[(at + step + items.length) % items.length]?.focus();
});

document.addEventListener("click", (event) => {
  if (open && !open.menu.contains(event.target) && !open.button.contains(event.target)) closeMenus();
});
