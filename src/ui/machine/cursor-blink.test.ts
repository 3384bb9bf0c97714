import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { CursorBlink } from './cursor-blink.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What the blink needs of an element. */
function host() {
  const classes = new Set<string>();
  const toggle = (name: string, force: boolean) => (force ? classes.add(name) : classes.delete(name));
  const remove = (name: string) => classes.delete(name);
  return { classes, element: { classList: { toggle, remove } } as unknown as HTMLElement };
}

it('hides and shows the cursor in turn, and leaves it shown and without a timer after a while', () => {
  const { classes, element } = host();
  new CursorBlink(element).restart();
  const seen: number[] = [];
  for (let phase = 0; phase < 4; phase++) {
    vi.advanceTimersByTime(600);
    seen.push(classes.size);
  }
  expect(seen).toEqual([1, 0, 1, 0]);
  vi.advanceTimersByTime(60_000);
  expect(classes.size).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

it('shows the cursor at once and for a whole phase when something happens', () => {
  const { classes, element } = host();
  const blink = new CursorBlink(element);
  blink.restart();
  vi.advanceTimersByTime(600);
  expect(classes.size).toBe(1);
  blink.restart();
  expect(classes.size).toBe(0);
  blink.stop();
  expect(vi.getTimerCount()).toBe(0);
});
