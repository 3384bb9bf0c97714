/** `npm run image`: disk images on the command line. A row for each subcommand. Run by tools/image.mjs. */
import { once } from 'node:events';
import { catCommand } from './cat.ts';
import { CommandError, type CommandIo, type ImageCommand } from './command.ts';
import { convertCommand } from './convert.ts';
import { wordsFor } from './failure-words.ts';
import { getCommand } from './get.ts';
import { infoCommand } from './info.ts';
import { lsCommand } from './ls.ts';
import { mkdirCommand, putCommand, rmCommand } from './put.ts';

const COMMANDS: readonly ImageCommand[] = [
  infoCommand,
  convertCommand,
  lsCommand,
  catCommand,
  getCommand,
  putCommand,
  mkdirCommand,
  rmCommand,
];

const STATUS_ERROR = 1;
const STATUS_USAGE = 2;
const STATUS_SIGNALED = 128;
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
const ERASE_LINE = '\x1b[K';

const io: CommandIo = {
  async write(bytes) {
    if (!process.stdout.write(bytes)) await once(process.stdout, 'drain');
  },
  say: (line) => void process.stderr.write(`image: ${line}\n`),
  input: () => process.stdin,
  nowMs: () => Date.now(),
  ...(process.stderr.isTTY && {
    progress: (line: string) => void process.stderr.write(`\r${ERASE_LINE}${line}`),
  }),
};

function helpText(): string {
  const rows = COMMANDS.map(({ name, synopsis, summary }) => `  ${name} ${synopsis}\n      ${summary}\n`);
  return `npm run --silent image -- COMMAND …\n\n${rows.join('')}`;
}

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === 'help' || name === '--help') {
    process.stdout.write(helpText());
    return name === undefined ? STATUS_USAGE : 0;
  }
  const command = COMMANDS.find((row) => row.name === name);
  if (!command) {
    io.say(`there is no command ${name}; \`npm run --silent image -- help\` lists them`);
    return STATUS_USAGE;
  }
  try {
    await command.run(args, io);
    return 0;
  } catch (failure) {
    io.say(wordsFor(failure));
    if (!(failure instanceof CommandError)) return STATUS_ERROR;
    io.say(`usage: image ${command.name} ${command.synopsis}`);
    return STATUS_USAGE;
  }
}

// Files that are not finished are removed as the process exits (part-file.ts).
for (const [signal, number] of Object.entries(SIGNALS)) {
  process.on(signal, () => process.exit(STATUS_SIGNALED + number));
}
// A reader that has seen enough (`… | head`) is no failure.
process.stdout.on('error', () => process.exit(0));
process.exitCode = await main(process.argv.slice(2));
