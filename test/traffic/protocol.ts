/** What the server and its clients agree on. */

/** Answers `GET /` with the version, and `GET /bytes?total=N&rate=BYTES_A_SECOND` with the pattern. */
export const HTTP_PORT = 80;
/** Answers a line `N` with `VERSION N`. */
export const LINE_PORT = 7;
/** The line by which a server says that it will end: the client has its last answer, and then closes. */
export const BYE = 'bye';
