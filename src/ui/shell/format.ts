/** Numbers in words: sizes, rates and durations as the page prints them. Pure. */

const KIB = 1024;
const SIZE_UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
const SECONDS_PER_MINUTE = 60;
const SECONDS_PER_HOUR = 3600;
const MS_PER_SECOND = 1000;
/** Above this a fraction only distracts. */
const WHOLE_NUMBERS_FROM = 100;

function threeDigits(value: number): string {
  if (value >= WHOLE_NUMBERS_FROM) return Math.round(value).toString();
  return (Math.round(value * 10) / 10).toString();
}

/** `12.3 MiB`; whole bytes below one KiB. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= KIB && unit < SIZE_UNITS.length - 1) {
    value /= KIB;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : threeDigits(value)} ${SIZE_UNITS[unit]}`;
}

/** `4.1 MiB/s`. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

/** A clock for running things: `0:07`, `12:34`, `1:02:03`. */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / SECONDS_PER_HOUR);
  const minutes = Math.floor((whole % SECONDS_PER_HOUR) / SECONDS_PER_MINUTE);
  const rest = (whole % SECONDS_PER_MINUTE).toString().padStart(2, '0');
  return hours > 0 ? `${hours}:${minutes.toString().padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

/** A duration that has passed: `0.4 s`, `12 s`, `2 min 5 s`. */
export function formatElapsed(ms: number): string {
  const seconds = ms / MS_PER_SECOND;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < SECONDS_PER_MINUTE) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / SECONDS_PER_MINUTE)} min ${whole % SECONDS_PER_MINUTE} s`;
}

/** Time to go, deliberately coarse so that it does not flicker: `about 20 s left`. */
export function formatTimeLeft(seconds: number): string {
  if (seconds < 3) return 'a moment left';
  if (seconds < SECONDS_PER_MINUTE) return `about ${Math.ceil(seconds / 5) * 5} s left`;
  return `about ${Math.ceil(seconds / SECONDS_PER_MINUTE)} min left`;
}

/** Instructions per second in millions: `0.4`, `87.2`, `312`. */
export function formatMips(mips: number): string {
  return threeDigits(mips);
}

/** `1,234,567`, the same in every locale, because reports are compared between people. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

const MS_PER_MINUTE = SECONDS_PER_MINUTE * MS_PER_SECOND;
const MS_PER_HOUR = SECONDS_PER_HOUR * MS_PER_SECOND;
const MS_PER_DAY = 24 * MS_PER_HOUR;
const DAYS_TOLD = 14;

/** How long ago something was: `just now`, `5 min ago`, `3 h ago`, `yesterday`, `9 days ago`, then the date. */
export function formatAgo(timeMs: number, nowMs: number): string {
  const agoMs = nowMs - timeMs;
  if (agoMs < MS_PER_MINUTE) return 'just now';
  if (agoMs < MS_PER_HOUR) return `${Math.floor(agoMs / MS_PER_MINUTE)} min ago`;
  if (agoMs < MS_PER_DAY) return `${Math.floor(agoMs / MS_PER_HOUR)} h ago`;
  const days = Math.floor(agoMs / MS_PER_DAY);
  if (days === 1) return 'yesterday';
  if (days <= DAYS_TOLD) return `${days} days ago`;
  return `on ${new Date(timeMs).toISOString().slice(0, 'YYYY-MM-DD'.length)}`;
}
