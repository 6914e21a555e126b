// JSON answers, and the errors that become one.

/** Thrown by a route; the message reaches the visitor. */
export class RequestError extends Error {
  constructor(status, message, headers = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

export function answer(response, status, body, headers = {}) {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

export function answerError(response, error) {
  if (response.headersSent || response.socket === null || response.socket.destroyed) {
    // Too late for an answer: the visitor left, or has half of one.
    response.destroy(error);
  } else if (error instanceof RequestError) {
    answer(response, error.status, { error: error.message }, error.headers);
  } else {
    console.error(error);
    answer(response, 500, { error: 'Something failed here; it has been logged' });
  }
}

/** A whole number from the query string within [least, most], or `fallback` when it is absent. */
export function wholeNumber(query, name, { least, most, fallback }) {
  const text = query.get(name);
  if (text === null) return fallback;
  const value = Number(text);
  if (!/^\d{1,9}$/.test(text) || value < least || value > most) {
    throw new RequestError(400, `${name} is a whole number from ${least} to ${most}`);
  }
  return value;
}
