/** Files that `npm run image -- convert` makes of random disks, read by other programs. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shell } from './host.mjs';
import { makeDisk } from './random-disk.mjs';

export const TOOLS = ['gzip', 'xz', 'zstd', 'qemu-img'];

const COMMAND = fileURLToPath(new URL('../../../src/cli/image/main.ts', import.meta.url));
const CONVERT = `"${process.execPath}" --disable-warning=ExperimentalWarning "${COMMAND}" convert`;

/** Lines that convert to `out` and ask another program whether it is the same as `disk.img`. */
const LINES = [
  `${CONVERT} disk.img out.qcow2 && qemu-img check -q out.qcow2 && qemu-img compare -q disk.img out.qcow2`,
  `qemu-img convert -c -O qcow2 disk.img in && ${CONVERT} in out && cmp disk.img out`,
  `qemu-img convert -O vpc -o force_size=on disk.img in && ${CONVERT} --to qcow2 in out && qemu-img check -q out && qemu-img compare -q disk.img out`,
  `xz -1 -c disk.img >in && ${CONVERT} --to qcow2 in out && qemu-img check -q out && qemu-img compare -q disk.img out`,
  `zstd -q -c disk.img >in && ${CONVERT} in out.gz && gzip -dc out.gz | cmp - disk.img`,
  `gzip -c disk.img >in && ${CONVERT} in out && cmp disk.img out`,
];

export async function writeImages(folder, random) {
  for (const line of LINES) {
    shell('rm -f *', folder);
    makeDisk(join(folder, 'disk.img'), random);
    shell(`exec 2>&1; ${line} && test -z "$(ls | grep part)"`, folder);
  }
  return LINES.length;
}
