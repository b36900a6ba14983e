/* The other translation unit: the header after other headers. */
#include <stdio.h>
#include <string.h>

#include <anyws.h>

uint32_t version_seen_by_the_other_unit(void);

uint32_t version_seen_by_the_other_unit(void)
{
    return ws_version();
}
