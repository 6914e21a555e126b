import { en, type Messages } from './en.ts';

/** The messages of the user's language: KAPAL_LANG, else the locale (POSIX: LC_ALL, LC_MESSAGES, LANG). English where there is no other. */
export async function messagesFor(env: Readonly<Record<string, string | undefined>>): Promise<Messages> {
  const locale = [env['KAPAL_LANG'], env['LC_ALL'], env['LC_MESSAGES'], env['LANG']].find(
    (value) => (value ?? '') !== '',
  );
  return /^(?:id|in)(?:$|[_.@-])/i.test(locale ?? '') ? (await import('./id.ts')).id : en;
}
