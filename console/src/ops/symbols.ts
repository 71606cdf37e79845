// Names of the symbols in console.sprite.svg.
export const kSymbols = 'ban copy dead decide deploy down download flow fold inbox layers listen log minus overview pause personok play plug retry running shieldok stop todo twice unused users wake info';
