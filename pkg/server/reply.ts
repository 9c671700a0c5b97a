/** What a route answers. */
export type Reply =
  | { readonly type: 'json'; readonly status: number; readonly body: unknown }
  | { readonly type: 'text'; readonly status: number; readonly contentType: string; readonly body: string }
  /** Lines of JSON that go on until the client or the server ends them. */
  | { readonly type: 'follow'; readonly afterId: number };

/** An answer that is not what was asked for; its code is stable, its message says what to do next. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = 'HttpError';
    this.status = status;
    this.code = code;
  }
}

/** 200 with a JSON body. */
export function json(body: unknown): Reply {
  return { type: 'json', status: 200, body };
}

/** Plain text. */
export function text(body: string, status = 200): Reply {
  return { type: 'text', status, contentType: 'text/plain; charset=utf-8', body };
}
