/** Each folder's rooms, from the lowest floor to the highest, with the rooms that each may import. */
export const ROOMS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
