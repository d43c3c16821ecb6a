/** The reason why a stored document cannot be one of ours; the codec makes a PostbusError of it. */
export class Corrupt extends Error {}
