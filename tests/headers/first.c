/* One of two translation units: the header comes first, and twice. */
#include <anyws.h>
#include <anyws.h>

uint32_t version_seen_by_the_other_unit(void);

int main(void)
{
    ws_result good = WS_OK;
    ws_result bad = WS_E_HANDLE;

    if (!WS_SUCCEEDED(good) || WS_FAILED(good) || WS_SUCCEEDED(bad) || !WS_FAILED(bad))
        return 1;
    if (ws_socket_free(NULL) != WS_OK || ws_abort(NULL) != WS_E_HANDLE)
        return 2;
    return ws_version() == version_seen_by_the_other_unit() ? 0 : 3;
}
