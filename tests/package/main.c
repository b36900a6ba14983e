/* An outside program: it prints the version, and has a socket made so that the whole library, with
   TLS and all, is really linked. */
#include <anyws.h>
#include <stdio.h>

int main(void)
{
    ws_socket *socket = ws_message_socket_new();

    if (socket == NULL || ws_socket_free(socket) != WS_OK || ws_shutdown(5000) != WS_OK)
        return 1;
    printf("anyws %s\n", ws_version_string());
    return 0;
}
