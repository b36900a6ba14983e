/* Reads memory it has freed. Under AddressSanitizer this must not go unnoticed, also in a program
   that carries the library. */
#include <anyws.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    volatile char *byte = malloc(1);

    if (byte == NULL || ws_version() == 0)
        return 1;
    *byte = 'x';
    free((void *)byte);
    printf("%c\n", *byte);
    return 0;
}
