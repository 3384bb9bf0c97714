/** A page with nothing on it, as isolated as the real one, for tests that drive the library themselves. */
import type { Page } from '@playwright/test';

export const BLANK_PAGE = './blank-page';

export async function openBlankPage(page: Page): Promise<void> {
  await page.route('**/blank-page', (route) =>
    route.fulfill({
      contentType: 'text/html',
      headers: {
        'Cross-Origin-Opener-Policy': 'same-origin',
        'Cross-Origin-Embedder-Policy': 'require-corp',
      },
      body: '<!doctype html><title>Driven by a test</title>',
    }),
  );
  await page.goto(BLANK_PAGE);
}
