/** What a lease is reckoned from. */
export interface LeaseTerms {
  readonly nowMs: () => number;
  /** Of the present session; see CoordinationStore. */
  readonly lastContactMs: () => number | undefined;
  readonly sessionTimeoutMs: () => number;
  readonly nodeLostAfterMs: number;
}

/** Share of the time between losing the lease and the leader's deadline that stopping may take; the rest is for the engine's calls. */
const GRACE_SHARE = 2 / 3;

/**
 * Whether this node may still run its `reschedule: on-node-failure` containers.
 *
 * The leader gives them away no earlier than `lastContact + sessionTimeout + nodeLostAfter`: the server keeps a member's ephemeral znode for
 * a session timeout after it last heard of it, and the leader waits nodeLostAfter from when it sees it gone. So a node that stops them at
 * `lastContact + max(sessionTimeout, 2/3 nodeLostAfter)` is done before, whatever it can or cannot hear. All by monotonic clocks, asked at
 * each call: a process that was frozen finds its lease lost before it does anything else.
 *
 * Contact counts only while this agent is a registered member: a new session says nothing to a leader before `members/<node>` is made again.
 * And once lost, the lease comes back only with bindings read after that: what is on disk may have moved.
 */
export class Lease {
  readonly #terms: LeaseTerms;
  /** Newest contact of times of membership that are over. */
  #baseMs: number | undefined;
  #isMember = false;
  #isLapsed = true;

  constructor(terms: LeaseTerms) {
    this.#terms = terms;
  }

  /** Membership was seen to stand, in the present session. */
  joined(): void {
    if (this.#isMember) return;
    // Judged by the contact before this membership: whoever was silent for too long must read what has moved.
    this.#isLapsed ||= !this.#isWithin(this.#baseMs);
    this.#isMember = true;
  }

  /** Membership is not known to stand any more: disconnected, expired, replaced. What was heard so far still counts. */
  parted(): void {
    this.#baseMs = this.#contactMs();
    this.#isMember = false;
  }

  /** The own bindings were read while a member, and were believed. */
  bindingsRead(): void {
    if (this.#isMember) this.#isLapsed = false;
  }

  held(): boolean {
    // Remembered at each look: once a session has expired, nobody can tell any more when it was last in contact.
    this.#baseMs = this.#contactMs();
    // Latched: a lease that was once seen lost must not come back by itself.
    this.#isLapsed ||= !this.#isWithin(this.#baseMs);
    return !this.#isLapsed;
  }

  /** Milliseconds until it is lost, as things stand; undefined when it is not held. */
  remainingMs(): number | undefined {
    if (!this.held() || this.#baseMs === undefined) return undefined;
    return this.#baseMs + this.#fenceAfterMs() - this.#terms.nowMs();
  }

  /** How long a container may take to stop after the lease is lost, so that it has ended before the leader's deadline. */
  graceMs(): number {
    const deadlineMs = this.#terms.sessionTimeoutMs() + this.#terms.nodeLostAfterMs;
    return Math.floor((deadlineMs - this.#fenceAfterMs()) * GRACE_SHARE);
  }

  #fenceAfterMs(): number {
    return Math.max(this.#terms.sessionTimeoutMs(), (this.#terms.nodeLostAfterMs * 2) / 3);
  }

  #contactMs(): number | undefined {
    if (!this.#isMember) return this.#baseMs;
    const contactMs = this.#terms.lastContactMs();
    if (contactMs === undefined) return this.#baseMs;
    return Math.max(contactMs, this.#baseMs ?? contactMs);
  }

  #isWithin(contactMs: number | undefined): boolean {
    return contactMs !== undefined && this.#terms.nowMs() - contactMs < this.#fenceAfterMs();
  }
}
