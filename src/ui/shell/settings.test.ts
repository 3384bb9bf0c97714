import { describe, expect, it } from 'vitest';
import { clampFontSize, type KeyValueStore, SettingsStore } from './settings.ts';

function memoryStore(initial?: string): KeyValueStore & { text: string | undefined } {
  return {
    text: initial,
    getItem() {
      return this.text ?? null;
    },
    setItem(_key, value) {
      this.text = value;
    },
  };
}

describe('SettingsStore', () => {
  it('remembers a change when it is made again over the same storage', () => {
    const store = memoryStore();
    new SettingsStore(store).change({ theme: 'dark', fontSizePx: 18 });
    expect(new SettingsStore(store).current).toEqual({ theme: 'dark', fontSizePx: 18, screenReader: false });
  });

  it('falls back field by field when storage holds nonsense', () => {
    const store = memoryStore('{"theme":"plaid","fontSizePx":900,"screenReader":true}');
    expect(new SettingsStore(store).current).toEqual({ theme: 'system', fontSizePx: 28, screenReader: true });
    expect(new SettingsStore(memoryStore('not json')).current.theme).toBe('system');
    expect(new SettingsStore(memoryStore('null')).current.theme).toBe('system');
  });

  it('keeps the choice for the page when storage refuses', () => {
    const refusing: KeyValueStore = {
      getItem: () => null,
      setItem: () => {
        throw new Error('quota');
      },
    };
    const settings = new SettingsStore(refusing);
    const seen: string[] = [];
    const stop = settings.subscribe((now) => seen.push(now.theme));
    settings.change({ theme: 'contrast' });
    stop();
    settings.change({ theme: 'light' });
    expect(settings.current.theme).toBe('light');
    expect(seen).toEqual(['contrast']);
  });
});

it('keeps font sizes whole and readable', () => {
  expect([clampFontSize(3), clampFontSize(13.6), clampFontSize(99)]).toEqual([9, 14, 28]);
});
