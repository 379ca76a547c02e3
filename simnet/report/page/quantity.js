"use strict";
// Numbers as people read them; the same rules as the terminal tables.
const PREFIXES = { "-3": "n", "-2": "µ", "-1": "m", 0: "", 1: "k", 2: "M", 3: "G", 4: "T" };

function prefixOf(value, unit) {
  if (!["s", "bit", "bit/s"].includes(unit) || !value) return [1, ""];
  let power = Math.max(Math.min(Math.floor(Math.log10(Math.abs(value)) / 3 + 1e-12), 4), -3);
  power = unit === "s" ? Math.min(power, 0) : Math.max(power, 0);
  return [10 ** (-3 * power), PREFIXES[power]];
}

function decimals(value, significant) {
  const lost = value ? Math.floor(Math.log10(Math.abs(value))) : 0;
  return Math.min(Math.max(significant - 1 - lost, 0), 12);
}

function quantity(mean, unit, low = null, high = null) {
  if (mean === null) return "n/a";
  const half = low === null || high === null ? null : (high - low) / 2;
  if (!mean && !half) return "0";
  const scaled = ["s", "bit", "bit/s"].includes(unit);
  if (!scaled && mean && Math.abs(mean) < 1e-3) {
    return mean.toExponential(2) + (half === null ? "" : ` ± ${half.toExponential(1)}`) + (unit && ` ${unit}`);
  }
  const [factor, prefix] = prefixOf(mean, unit);
  const tail = prefix + unit ? ` ${prefix}${unit}` : "";
  if (half === null) return (mean * factor).toFixed(decimals(mean * factor, 4)) + tail;
  const places = half ? Math.min(decimals(half * factor, 2), 9) : decimals(mean * factor, 4);
  return `${(mean * factor).toFixed(places)} ± ${(half * factor).toFixed(places)}${tail}`;
}

const short = (value) => String(Number(value.toPrecision(4)));

// Round values between two ends, about `count` of them.
function niceTicks(low, high, count) {
  const raw = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw - 1e-12 * raw);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) ticks.push(i * step);
  return ticks;
}

// 1, 2 and 5 times each power of ten between two ends; the powers alone where that is many.
function logTicks(low, high) {
  const ticks = [];
  for (let p = Math.floor(Math.log10(low)); 10 ** p <= high; p++) ticks.push(...[1, 2, 5].map((m) => m * 10 ** p));
  const inside = ticks.filter((t) => t >= low && t <= high);
  return inside.length > 9 ? inside.filter((t) => Math.abs(Math.log10(t) % 1) < 1e-9) : inside;
}
