import { describe, expect, it } from 'vitest';
import { helpText, parseOptions, UsageError } from './options.ts';

describe('parseOptions', () => {
  it('reads every option, with its argument apart or attached', () => {
    const options = parseOptions(
      [
        '--machine virt --cpus 1 --memory 1G --kernel Image --initrd=i.cpio --dtb b.dtb --append=console=ttyAMA0',
        '--disk a.img --disk b,c.img,readonly --disk d.img,snapshot --cpu cortex-a53 --engine interpret --until ok --timeout 1.5',
        '--stats s.json --symbols System.map --in chromium --when-quiet --prompt > --type-at-once --quiet',
      ].flatMap((line) => line.split(' ')),
    );
    expect(options).toEqual({
      memoryMiB: 1024,
      kernel: 'Image',
      initrd: 'i.cpio',
      dtb: 'b.dtb',
      append: 'console=ttyAMA0',
      disks: [
        { path: 'a.img', mode: 'write' },
        { path: 'b,c.img', mode: 'readonly' },
        { path: 'd.img', mode: 'snapshot' },
      ],
      cpu: 'cortex-a53',
      engine: 'interpret',
      until: /ok/m,
      timeoutSeconds: 1.5,
      stats: 's.json',
      profile: false,
      symbols: 'System.map',
      host: 'chromium',
      whenQuiet: true,
      prompt: />/m,
      typeAtOnce: true,
      quiet: true,
      help: false,
    });
  });

  it.each([
    ['--nonsense', 'unknown option'],
    ['kernel', 'unknown option'],
    ['--kernel', 'needs an argument'],
    ['--memory 5', 'from 32 to 3072'],
    ['--memory lots', 'from 32 to 3072'],
    ['--cpus 4', '--cpus is 1'],
    ['--engine fast', 'normal or interpret or translate'],
    ['--until (', 'Invalid regular expression'],
    ['--timeout soon', 'number of seconds'],
    ['--quiet=yes', 'takes no argument'],
    ['--initrd i.cpio', '--initrd without --kernel'],
    ['--profile --in chromium', '--profile is for --in node'],
  ])('refuses "%s" with a reason', (line, reason) => {
    expect(() => parseOptions(line.split(' '))).toThrow(UsageError);
    expect(() => parseOptions(line.split(' '))).toThrow(reason);
  });

  it('lists every option that it reads in the help', () => {
    const help = helpText();
    for (const name of ['kernel', 'initrd', 'append', 'disk', 'until', 'timeout', 'stats', 'in', 'prompt']) {
      expect(help).toContain(`  --${name} `);
    }
    expect(help).not.toContain('@OPTIONS@');
  });
});
