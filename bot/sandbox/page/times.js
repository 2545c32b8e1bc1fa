// Clock times as the clinic sees them.

let zone = "UTC";

export function setZone(name) {
  zone = name || "UTC";
}

function format(options) {
  return new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options });
}

export function clockTime(instant) {
  return format({ hour: "2-digit", minute: "2-digit" }).format(new Date(instant));
}

export function dayName(instant) {
  return format({ weekday: "long", day: "numeric", month: "long" }).format(new Date(instant));
}

export function shortDay(instant) {
  return format({ weekday: "short", hour: "2-digit", minute: "2-digit" }).format(new Date(instant));
}

export function placeName() {
  return zone.split("/").pop().replace(/_/g, " ");
}

// "in 4 min", "in 2 h", "now"
export function untilWords(instant, now) {
  const minutes = Math.round((new Date(instant) - new Date(now)) / 60000);
  if (minutes <= 0) return "now";
  if (minutes < 90) return `in ${minutes} min`;
  if (minutes < 48 * 60) return `in ${Math.round(minutes / 60)} h`;
  return `in ${Math.round(minutes / 1440)} days`;
}
