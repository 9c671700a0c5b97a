/** What happens to one request. */
export type Fault =
  | { readonly type: 'pass' }
  /** The request is taken and never answered; the engine does not see it. */
  | { readonly type: 'stall' }
  /** The connection ends without an answer; the engine does not see the request. */
  | { readonly type: 'close' }
  /** An answer that the engine did not give, and does not know of. */
  | { readonly type: 'answer'; readonly status: number; readonly body: string; readonly contentType: string }
  /** The head of the engine's answer comes, and then nothing. */
  | { readonly type: 'silence' }
  /** The connection ends after so many bytes of the answer's body. */
  | { readonly type: 'cut'; readonly bodyBytes: number }
  /** The body comes in pieces of so many bytes, with a pause after each. */
  | { readonly type: 'drip'; readonly bytes: number; readonly everyMs: number }
  /** The engine does what it is asked, and its answer is lost. */
  | { readonly type: 'drop-answer' };

/** An error in the form that Docker gives its own. */
export function dockerError(status: number, message: string): Fault {
  return { type: 'answer', status, body: JSON.stringify({ message }), contentType: 'application/json' };
}

export interface SeenRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
}
