/**
 * How the page is served and built. The headers make it cross-origin isolated, which shared memory between
 * threads needs; Document-Isolation-Policy does the same for a page inside somebody else's frame.
 */
import type { ServerResponse } from 'node:http';
import { type Connect, defineConfig, type Plugin } from 'vite';
import { interpreterImages } from './src/cli/interpreter-plugin.ts';

const ISOLATION_HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Document-Isolation-Policy': 'isolate-and-require-corp',
};

/**
 * Vite declares every .gz file as an encoding of something else, so browsers would unpack guest files on the
 * way. Their sizes and checksums are those of the file as it is.
 */
function servesGuestFilesAsTheyAre(): Plugin {
  const middleware: Connect.NextHandleFunction = (request, response: ServerResponse, next) => {
    // The preview server compresses what it can, and the header that says so is taken off below.
    Reflect.deleteProperty(request.headers, 'accept-encoding');
    const setHeaders = response.writeHead.bind(response);
    response.writeHead = (status: number, ...rest: unknown[]) => {
      const headers = rest.find((part) => typeof part === 'object' && part !== null);
      if (headers !== undefined) Reflect.deleteProperty(headers, 'Content-Encoding');
      response.removeHeader('Content-Encoding');
      return setHeaders(status, ...(rest as []));
    };
    next();
  };
  return {
    name: 'guest-files-as-they-are',
    configureServer: (server) => {
      server.middlewares.use('/images', middleware);
    },
    configurePreviewServer: (server) => {
      server.middlewares.use('/images', middleware);
    },
  };
}

export default defineConfig({
  plugins: [servesGuestFilesAsTheyAre(), interpreterImages()],
  // Relative addresses: a build works in any folder of any site.
  base: './',
  // An unknown path is a 404, not the page: guest files may be missing.
  appType: 'mpa',
  server: {
    headers: ISOLATION_HEADERS,
    watch: { ignored: ['**/.cache/**', '**/public/images/**', '**/test-results/**'] },
  },
  preview: { headers: ISOLATION_HEADERS },
  // Only a worker imports it, where the scan does not look: found later, it would reload the page.
  optimizeDeps: { include: ['idb-keyval'] },
  worker: { format: 'es' },
  build: { target: 'es2023' },
});
