/** The reason why Postbus cannot have written a stored document; the codec turns it into a PostbusError. */
export class Corrupt extends Error {}
