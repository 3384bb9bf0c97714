import { describe, expect, it } from 'vitest';
import {
  formatAgo,
  formatBytes,
  formatClock,
  formatCount,
  formatElapsed,
  formatMips,
  formatRate,
  formatTimeLeft,
} from './format.ts';

describe('formatBytes', () => {
  it.each([
    [0, '0 bytes'],
    [1023, '1023 bytes'],
    [1024, '1 KiB'],
    [1_572_864, '1.5 MiB'],
    [34_603_008, '33 MiB'],
    [157_286_400, '150 MiB'],
    [3 * 2 ** 30, '3 GiB'],
  ])('prints %d as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
});

describe('durations', () => {
  it('shows hours only when there are any', () => {
    expect(formatClock(7.9)).toBe('0:07');
    expect(formatClock(754)).toBe('12:34');
    expect(formatClock(3723)).toBe('1:02:03');
  });
  it('keeps tenths only below ten seconds', () => {
    expect(formatElapsed(430)).toBe('0.4 s');
    expect(formatElapsed(12_400)).toBe('12 s');
    expect(formatElapsed(125_000)).toBe('2 min 5 s');
  });
  it('rounds the time left up, in coarse steps', () => {
    expect(formatTimeLeft(1)).toBe('a moment left');
    expect(formatTimeLeft(16)).toBe('about 20 s left');
    expect(formatTimeLeft(61)).toBe('about 2 min left');
  });
});

it('prints rates and counts', () => {
  expect(formatRate(4_300_000)).toBe('4.1 MiB/s');
  expect(formatMips(0.42)).toBe('0.4');
  expect(formatMips(312.4)).toBe('312');
  expect(formatCount(1_234_567.2)).toBe('1,234,567');
});

it('tells how long ago something was, and the date when that is long', () => {
  const nowMs = Date.UTC(2026, 4, 20, 12);
  const minutes = (count: number): string => formatAgo(nowMs - count * 60_000, nowMs);
  expect(formatAgo(nowMs + 5000, nowMs)).toBe('just now');
  expect(minutes(5)).toBe('5 min ago');
  expect(minutes(3 * 60 + 10)).toBe('3 h ago');
  expect(minutes(25 * 60)).toBe('yesterday');
  expect(minutes(9 * 24 * 60)).toBe('9 days ago');
  expect(minutes(40 * 24 * 60)).toBe('on 2026-04-10');
});
