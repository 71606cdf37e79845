// The files of the pages as bytes of the program: console/embed.mjs writes them.
    .section .rodata
    .balign 16
    .global rabt_pages_begin
    .global rabt_pages_end
rabt_pages_begin:
    .incbin RABT_PAGES_FILE
rabt_pages_end:
    .byte 0
    .section .note.GNU-stack,"",%progbits
