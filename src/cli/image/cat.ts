/** `image cat`: a file of an image to standard output. */
import { CommandError, type ImageCommand } from './command.ts';
import { has, withVolume } from './volumes.ts';

export const catCommand: ImageCommand = {
  name: 'cat',
  synopsis: 'IMAGE[:PARTITION] PATH',
  summary: 'write a file of an image to standard output',
  async run(args, io) {
    const [image, path, ...more] = args;
    if (image === undefined || path === undefined || more.length > 0)
      throw new CommandError('which image, and which file in it?');
    await withVolume(image, { access: 'read', io, fits: (volume) => has(volume, path) }, async (volume) => {
      for await (const piece of volume.read(path)) await io.write(piece);
    });
  },
};
