/** A server-sent event as it was received. */
export interface ServerEvent {
  readonly event: string;
  readonly id: string | null;
  readonly data: string;
}

/** Reads an event stream (HTML Standard, 9.2.6) from pieces of its bytes. An event that is not complete at the end is dropped. */
export async function* readEvents(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent, void> {
  const decoder = new TextDecoder();
  let rest = '';
  let fields = emptyFields();
  for await (const piece of pieces) {
    const lines = `${rest}${decoder.decode(piece, { stream: true })}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line !== '' && line !== '\r') read(fields, line.replace(/\r$/, ''));
      else {
        if (fields.data.length > 0) yield { event: fields.event, id: fields.id, data: fields.data.join('\n') };
        fields = emptyFields();
      }
    }
  }
}

interface Fields {
  event: string;
  id: string | null;
  readonly data: string[];
}

function emptyFields(): Fields {
  return { event: 'message', id: null, data: [] };
}

function read(fields: Fields, line: string): void {
  const colon = line.indexOf(':');
  const name = colon === -1 ? line : line.slice(0, colon);
  const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
  if (name === 'data') fields.data.push(value);
  else if (name === 'event') fields.event = value;
  else if (name === 'id') fields.id = value;
}
