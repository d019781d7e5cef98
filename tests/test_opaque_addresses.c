/* A peer whose name has several addresses: whichever fails, and however fast, the next is tried. */
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "opaque.h"
#include "suite.h"

#define NAME "several.example.com"

static const char *const *addresses;

typedef int getaddrinfo_fn(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **list);

/* In place of the C library's, which knows no such name. Only that one is answered here. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): the C library's begin with two underscores */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **list)
{
        getaddrinfo_fn *real;
        void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
        memcpy(&real, &symbol, sizeof real);
        if (strcmp(node, NAME) != 0)
                return real(node, service, hints, list);
        if (hints->ai_flags & AI_NUMERICHOST)
                return EAI_NONAME;
        const struct addrinfo numbers = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
        for (const char *const *address = addresses; *address; address++) {
                int error = real(*address, service, &numbers, list);
                if (error)
                        return error;
                list = &(*list)->ai_next;
        }
        return 0;
}

static void boot(const char *const *list)
{
        char endpoints[64];
        addresses = list;
        mvt_stream_peer_tcp(&mvt_peer);
        snprintf(endpoints, sizeof endpoints, "  peer: tcp://" NAME ":%u\n", (unsigned)mvt_peer.port);
        mvt_opaque_boot(endpoints, NULL, false);
}

/* A broadcast address is refused by connect() itself, one where nobody listens a moment later. */
START_TEST(the_first_address_that_works_is_connected_to)
{
        static const char *const lists[][4] = {
                {"127.0.0.1"},
                {"127.0.0.2", "127.0.0.1"},
                {"255.255.255.255", "127.0.0.1"},
                {"255.255.255.255", "127.0.0.2", "127.0.0.1"},
                {"127.0.0.2", "255.255.255.255", "127.0.0.1"},
        };
        boot(lists[_i]);
        MvChannelHandle channel = mvt_opaque_open(&mvt_peer, 64, 512);
        mvt_opaque_write(channel, "hello");
        mvt_stream_peer_expect(&mvt_peer, "hello");
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(without_one_the_channel_ends)
{
        static const char *const lists[][4] = {
                {"255.255.255.255"},
                {"255.255.255.255", "255.255.255.255"},
                {"127.0.0.2", "255.255.255.255"},
                {"255.255.255.255", "127.0.0.2"},
        };
        boot(lists[_i]);
        const struct MvOpenChannelParams params = mvt_opaque_params("peer", 64, 512);
        MvChannelHandle channel = mvt_channel_open(&params);
        mvt_opaque_expect_closure(&channel, MV_CLOSUREREASON_NOTYETOPEN);
}
END_TEST

Suite *suite(void)
{
        Suite *s = suite_create("opaque addresses");
        TCase *tests = tcase_create("addresses");
        tcase_add_checked_fixture(tests, NULL, mvt_opaque_end);
        tcase_add_loop_test(tests, the_first_address_that_works_is_connected_to, 0, 5);
        tcase_add_loop_test(tests, without_one_the_channel_ends, 0, 4);
        suite_add_tcase(s, tests);
        return s;
}
