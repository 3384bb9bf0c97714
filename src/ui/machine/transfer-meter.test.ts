import { expect, it } from 'vitest';
import { TransferMeter } from './transfer-meter.ts';

it('knows rate, share and time left when every length is known', () => {
  const meter = new TransferMeter();
  meter.add({ what: 'kernel', loadedBytes: 0, totalBytes: 8000 }, 0);
  meter.add({ what: 'initrd', loadedBytes: 0, totalBytes: 2000 }, 0);
  meter.add({ what: 'kernel', loadedBytes: 2000, totalBytes: 8000 }, 1000);
  const view = meter.view(1000);
  expect(view).toMatchObject({ loadedBytes: 2000, totalBytes: 10_000, fraction: 0.2, bytesPerSecond: 2000 });
  expect(view.secondsLeft).toBe(4);
});

it('tells bytes and rate but no share when a length is unknown', () => {
  const meter = new TransferMeter();
  meter.add({ what: 'kernel', loadedBytes: 0 }, 0);
  meter.add({ what: 'kernel', loadedBytes: 500 }, 500);
  const view = meter.view(500);
  expect(view.bytesPerSecond).toBe(1000);
  expect(view.fraction).toBeUndefined();
  expect(view.secondsLeft).toBeUndefined();
});

it('lets the rate fall when the transfer stalls', () => {
  const meter = new TransferMeter();
  meter.add({ what: 'disk', loadedBytes: 0, totalBytes: 100 }, 0);
  meter.add({ what: 'disk', loadedBytes: 50, totalBytes: 100 }, 1000);
  expect(meter.view(10_000).bytesPerSecond).toBe(5);
});

it('forgets what is older than the window when bytes keep coming', () => {
  const meter = new TransferMeter();
  for (let second = 0; second <= 10; second++) {
    const loadedBytes = second < 5 ? 0 : (second - 5) * 100;
    meter.add({ what: 'disk', loadedBytes, totalBytes: 1000 }, second * 1000);
  }
  expect(meter.view(10_000).bytesPerSecond).toBe(100);
});

it('tells no time left before the rate has settled', () => {
  const meter = new TransferMeter();
  meter.add({ what: 'kernel', loadedBytes: 0, totalBytes: 100 }, 0);
  meter.add({ what: 'kernel', loadedBytes: 10, totalBytes: 100 }, 100);
  expect(meter.view(100).secondsLeft).toBeUndefined();
});
