import { connect, createServer, type Server, type Socket } from 'node:net';
import { readdirSync, rmSync } from 'node:fs';
import { PlaceBook, type PlaceHolder } from './plane/place-book.ts';
import type { PlaceRequest, Places } from './plane/places.ts';
import { type FromChair, hear, say, type ToChair } from './places-wire.ts';

/** Who has not answered for so long is hung, and another worker takes its seat. */
const answerTimeout = 1_000;
/** A new chair waits so long for the others to tell what they hold. */
const rollCall = 1_000;
const watchInterval = 250;
const retryDelay = 25;

const chairName = /^places-(\d+)\.sock$/;
const workerName = /^worker-.*\.sock$/;

export interface SharedPlacesOptions {
  /** Folder of the workers' sockets, of which paths in it must fit into an address (107 bytes): the working folder, `.`. */
  readonly folder: string;
  /** Name of this worker's control socket in it. */
  readonly name: string;
  readonly report: (text: string) => void;
}

/**
 * Places over all workers of a folder. One worker keeps the book (it is in the chair), the others ask it over a Unix socket; in the
 * regular case no limit is ever overrun.
 *
 *   seeking --highest places-N.sock answers--> attending --it ends, is silent, or a higher number appears--> seeking
 *      `--nobody answers, places-(N+1).sock is mine--> chairing --a higher number appears--> seeking
 *
 * bind(2) gives a name to one process only, and a name is removed by the winner of a higher one alone, so two never chair under one
 * number. A new chair grants nothing before every other worker that listens in the folder has told what it holds, or a second is over.
 * So all that can be overrun is by what a worker holds that stood still for that second; new requests wait until it is below again.
 */
export class SharedPlaces implements Places {
  readonly #options: SharedPlacesOptions;
  readonly #requests = new Map<number, { readonly request: PlaceRequest; order: readonly string[] }>();
  readonly #ids = new Map<PlaceRequest, number>();
  #next = 0;
  #held: (() => ReadonlyMap<string, number>) | null = null;
  #opened = false;
  #closed = false;
  #role: Role = { kind: 'seeking', refused: -1 };
  #timer: NodeJS.Timeout | null = null;
  #watchedAt = 0;

  constructor(options: SharedPlacesOptions) {
    this.#options = options;
  }

  /** The working folder is the workers' now. Until then everybody waits. */
  open(): void {
    this.#opened = true;
    this.#begin();
  }

  start(held: () => ReadonlyMap<string, number>): void {
    this.#held = held;
    this.#begin();
  }

  ask(request: PlaceRequest, order = request.order): void {
    let id = this.#ids.get(request);
    if (id === undefined) {
      id = this.#next;
      this.#next += 1;
      this.#ids.set(request, id);
    }
    this.#requests.set(id, { request, order });
    this.#send(id);
  }

  withdraw(request: PlaceRequest): void {
    const id = this.#ids.get(request);
    if (id === undefined) return;
    this.#settle(id);
    const role = this.#awake();
    if (role.kind === 'chairing') role.book.withdraw(this.#own, id);
    else if (role.kind === 'attending') say(role.socket, { say: 'withdraw', id });
  }

  change(endpoint: string, by: number): void {
    const role = this.#awake();
    if (role.kind === 'chairing') role.book.change(this.#own, endpoint, by);
    else if (role.kind === 'attending') say(role.socket, { say: 'change', endpoint, by });
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#leave();
  }

  #begin(): void {
    if (!this.#opened || this.#held === null || this.#timer !== null || this.#closed) return;
    this.#timer = setInterval(() => this.#watch(), watchInterval).unref();
    this.#watchedAt = performance.now();
    this.#seek();
  }

  // Seeking.

  #seek(): void {
    if (this.#closed) return;
    const highest = this.#highest();
    // Between its bind and its listen a name refuses connections too: it is asked twice.
    if (highest === 0 || (this.#role.kind === 'seeking' && this.#role.refused === highest))
      this.#takeChair(highest + 1);
    else this.#attend(highest);
  }

  #seekLater(refused: number): void {
    const role: Role = { kind: 'seeking', refused };
    this.#role = role;
    setTimeout(() => {
      if (this.#role === role) this.#seek();
    }, retryDelay).unref();
  }

  #highest(): number {
    return Math.max(0, ...namesIn(this.#options.folder).map((name) => Number(chairName.exec(name)?.[1] ?? 0)));
  }

  // Attending.

  #attend(term: number): void {
    const socket = connect(`${this.#options.folder}/places-${term}.sock`);
    const role: Role = { kind: 'attending', term, socket, silentSince: performance.now() };
    this.#role = role;
    let met = false;
    socket.once('connect', () => {
      met = true;
      say(socket, { say: 'hello', name: this.#options.name, held: Object.fromEntries(this.#heldNow()) });
      for (const id of this.#requests.keys()) this.#send(id);
    });
    hear<FromChair>(socket, (message) => {
      role.silentSince = null;
      this.#heard(message);
    });
    // `close` follows and tells all.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      if (this.#role === role && !this.#closed) this.#seekLater(met ? -1 : term);
    });
  }

  #heard(message: FromChair): void {
    if (message.say === 'granted') this.#own.granted(message.id, message.endpoint);
    else if (message.say === 'refused') this.#own.refused(message.id);
  }

  // Chairing.

  #takeChair(term: number): void {
    const role = this.#role;
    const server = createServer((socket) => this.#admit(server, socket));
    server.once('error', () => {
      if (this.#role === role) this.#seekLater(-1);
    });
    server.listen(`${this.#options.folder}/places-${term}.sock`, () => {
      if (this.#role !== role || this.#closed) {
        server.close();
        return;
      }
      server.unref();
      server.removeAllListeners('error');
      server.on('error', (error) => this.#options.report(`places: ${error.message}`));
      this.#preside(server, term);
    });
  }

  #preside(server: Server, term: number): void {
    const { folder, name } = this.#options;
    const names = namesIn(folder);
    for (const other of names) {
      const number = Number(chairName.exec(other)?.[1] ?? term);
      if (number < term) rmSync(`${folder}/${other}`, { force: true });
    }
    const missing = new Set(names.filter((other) => workerName.test(other) && other !== name));
    const book = new PlaceBook(false);
    const until = performance.now() + rollCall;
    const role: Role = { kind: 'chairing', term, server, book, missing, until, sockets: new Set() };
    this.#role = role;
    book.join(this.#own, this.#heldNow());
    this.#openBook(role);
    for (const id of this.#requests.keys()) this.#send(id);
  }

  /** Everybody has told what is held, or has had the time to. */
  #openBook(role: Chairing): void {
    if (role.until === null || (role.missing.size > 0 && performance.now() < role.until)) return;
    role.until = null;
    role.book.open();
  }

  #admit(server: Server, socket: Socket): void {
    const role = this.#role;
    if (role.kind !== 'chairing' || role.server !== server) {
      socket.destroy();
      return;
    }
    const holder: PlaceHolder = {
      granted: (id, endpoint) => say(socket, { say: 'granted', id, endpoint }),
      refused: (id) => say(socket, { say: 'refused', id }),
      queued: () => say(socket, { say: 'heard' }),
    };
    role.sockets.add(socket);
    socket.unref();
    socket.on('error', () => undefined);
    socket.once('close', () => {
      role.sockets.delete(socket);
      role.book.leave(holder);
    });
    hear<ToChair>(socket, (message) => this.#serve(role, { socket, holder, message }));
  }

  #serve(role: Chairing, { socket, holder, message }: Call): void {
    if (this.#awake() !== role) return;
    switch (message.say) {
      case 'hello':
        say(socket, { say: 'heard' });
        role.book.join(holder, new Map(Object.entries(message.held)));
        role.missing.delete(message.name);
        this.#openBook(role);
        break;
      case 'ask':
        role.book.ask(holder, message);
        break;
      case 'withdraw':
        role.book.withdraw(holder, message.id);
        break;
      case 'change':
        role.book.change(holder, message.endpoint, message.by);
        break;
    }
  }

  // Both.

  /** This worker as a holder, whoever is in the chair. */
  readonly #own: PlaceHolder = {
    granted: (id, endpoint) => {
      const request = this.#settle(id);
      if (request === undefined) this.change(endpoint, -1);
      else request.granted(endpoint);
    },
    refused: (id) => this.#settle(id)?.refused(),
    queued: () => undefined,
  };

  #settle(id: number): PlaceRequest | undefined {
    const entry = this.#requests.get(id);
    this.#requests.delete(id);
    if (entry !== undefined) this.#ids.delete(entry.request);
    return entry?.request;
  }

  #send(id: number): void {
    const entry = this.#requests.get(id);
    const role = this.#awake();
    if (entry === undefined || role.kind === 'seeking') return;
    const { pool, limit, queue } = entry.request;
    const ask = { id, pool, limit, queue, order: entry.order };
    if (role.kind === 'chairing') role.book.ask(this.#own, ask);
    else {
      role.silentSince ??= performance.now();
      say(role.socket, { say: 'ask', ...ask });
    }
  }

  #heldNow(): ReadonlyMap<string, number> {
    return this.#held?.() ?? new Map<string, number>();
  }

  /** The role; after a time in which this process stood still, what became of it meanwhile. */
  #awake(): Role {
    if (this.#role.kind === 'chairing' && performance.now() - this.#watchedAt > answerTimeout) this.#watch();
    return this.#role;
  }

  /** Four times a second: whether the chair lives, whether there is a newer one, whether the roll call is over. */
  #watch(): void {
    const now = performance.now();
    this.#watchedAt = now;
    const role = this.#role;
    if (role.kind === 'seeking') return;
    if (this.#highest() > role.term) {
      this.#leave();
      this.#seek();
    } else if (role.kind === 'chairing') this.#openBook(role);
    else if (role.silentSince !== null && now - role.silentSince > answerTimeout) {
      this.#options.report('places: the worker that keeps them does not answer, another takes over');
      this.#leave();
      this.#takeChair(role.term + 1);
    }
  }

  #leave(): void {
    const role = this.#role;
    this.#role = { kind: 'seeking', refused: -1 };
    if (role.kind === 'attending') role.socket.destroy();
    if (role.kind !== 'chairing') return;
    role.server.close();
    for (const socket of role.sockets) socket.destroy();
  }
}

interface Chairing {
  readonly kind: 'chairing';
  readonly term: number;
  readonly server: Server;
  readonly book: PlaceBook;
  /** Workers that have not told yet what they hold. */
  readonly missing: Set<string>;
  /** End of the roll call; `null` once it is over. */
  until: number | null;
  readonly sockets: Set<Socket>;
}

type Role =
  /** `refused`: the number at which nobody answered a moment ago, else -1. */
  | { readonly kind: 'seeking'; readonly refused: number }
  | { readonly kind: 'attending'; readonly term: number; readonly socket: Socket; silentSince: number | null }
  | Chairing;

interface Call {
  readonly socket: Socket;
  readonly holder: PlaceHolder;
  readonly message: ToChair;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // The folder goes with its edge.
    return [];
  }
}
