/** What a class may be called: the name stands in checkpoints, messages, tables and exports. */

export const CLASS_NAME = /^[^\p{C}]{1,100}$/u;
/** As in `a class name must be …`. */
export const CLASS_NAME_RULE = '1 to 100 printable characters';
