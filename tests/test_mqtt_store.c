/* What the cloud keeps of messages until they are acknowledged: by owner, in order, in a ring of a fixed size. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cloud/mqtt_store.h"
#include "suite.h"

#define FIRST  0x100U /* channels */
#define SECOND 0x200U
#define LARGE  (64U << 10)

static struct mvs_kept kept;
static struct mvs_mqtt_store store;

static void begin(void)
{
        mvs_kept_init(&kept);
        mvs_mqtt_store_init(&store, &kept);
}

static void end(void)
{
        mvs_mqtt_store_finish(&store);
        mvs_kept_finish(&kept);
}

static struct mvs_bytes owner_of(const char *name)
{
        return (struct mvs_bytes){(uint8_t *)(uintptr_t)name, strlen(name)};
}

/* A message with that correlation id: its topic is "topic", its payload the id's digits, and dots up to the length. */
static void add(const char *owner, uint32_t channel, uint32_t id, size_t len)
{
        const struct mvs_bytes bytes = owner_of(owner);
        char number[16];
        struct mvs_mqtt_item *item = mvs_mqtt_item_create(MVS_MQTT_MESSAGE, 5, len);
        ck_assert_ptr_nonnull(item);
        item->correlation_id = id;
        item->qos = 1 + id % 2;
        item->retain = id % 3 == 0;
        memcpy(item->bytes, "topic", 5);
        memset(item->bytes + 5, '.', len);
        memcpy(item->bytes + 5, number, (size_t)snprintf(number, sizeof number, "%u", id));
        mvs_mqtt_store_add(&store, &bytes, channel, item);
        free(item);
}

/* The oldest of the owner's messages is this one; 0: there is none. */
static void expect_taken(const char *owner, uint32_t channel, uint32_t id)
{
        const struct mvs_bytes bytes = owner_of(owner);
        struct mvs_mqtt_item *item = mvs_mqtt_store_take(&store, &bytes, channel);
        if (id == 0) {
                ck_assert_ptr_null(item);
                return;
        }
        ck_assert_ptr_nonnull(item);
        ck_assert_uint_eq(strtoul((char *)item->bytes + 5, NULL, 10), id);
        ck_assert_mem_eq(item->bytes, "topic", 5);
        ck_assert_uint_eq(item->qos, 1 + id % 2);
        ck_assert_int_eq(item->retain, id % 3 == 0);
        free(item);
}

START_TEST(messages_come_again_in_order_to_another_channel)
{
        for (uint32_t id = 1; id <= 5; id++)
                add("a", FIRST, id, 20);
        expect_taken("a", FIRST, 0);
        for (uint32_t id = 1; id <= 5; id++)
                expect_taken("a", SECOND, id);
        expect_taken("a", SECOND, 0);
}
END_TEST

START_TEST(what_is_acknowledged_does_not_come_again)
{
        for (uint32_t id = 1; id <= 4; id++)
                add("a", FIRST, id, 20);
        ck_assert(mvs_mqtt_store_remove(&store, FIRST, 3));
        ck_assert(mvs_mqtt_store_remove(&store, FIRST, 1));
        ck_assert(!mvs_mqtt_store_remove(&store, FIRST, 1));
        ck_assert(!mvs_mqtt_store_remove(&store, SECOND, 2));
        expect_taken("a", SECOND, 2);
        expect_taken("a", SECOND, 4);
        expect_taken("a", SECOND, 0);
}
END_TEST

START_TEST(owners_are_apart)
{
        const struct mvs_bytes a = owner_of("a");
        add("a", FIRST, 1, 20);
        add("ab", FIRST, 2, 20);
        add("a", FIRST, 3, 20);
        expect_taken("b", SECOND, 0);
        mvs_mqtt_store_forget(&store, &a);
        expect_taken("a", SECOND, 0);
        expect_taken("ab", SECOND, 2);
}
END_TEST

START_TEST(an_empty_store_takes_no_memory)
{
        const struct mvs_bytes a = owner_of("a");
        expect_taken("a", FIRST, 0);
        ck_assert(!mvs_mqtt_store_remove(&store, FIRST, 1));
        mvs_mqtt_store_forget(&store, &a);
        ck_assert_int_eq(kept.fds[MVS_KEPT_MQTT], -1);
}
END_TEST

START_TEST(another_life_finds_what_was_there)
{
        add("a", FIRST, 1, 20);
        add("a", FIRST, 2, 20);
        mvs_mqtt_store_finish(&store);
        mvs_mqtt_store_init(&store, &kept);
        expect_taken("a", SECOND, 1);
        expect_taken("a", SECOND, 2);
        expect_taken("a", SECOND, 0);
}
END_TEST

/* Several times round, with messages that do not divide the ring's size. */
START_TEST(the_ring_goes_round)
{
        for (uint32_t id = 1; id <= 500; id++) {
                add("a", FIRST, id, LARGE + id);
                if (id > 3)
                        ck_assert(mvs_mqtt_store_remove(&store, FIRST, id - 3));
        }
        for (uint32_t id = 498; id <= 500; id++)
                expect_taken("a", SECOND, id);
        expect_taken("a", SECOND, 0);
}
END_TEST

START_TEST(where_it_is_full_the_oldest_go)
{
        for (uint32_t id = 1; id <= 200; id++)
                add("a", FIRST, id, LARGE);
        ck_assert(!mvs_mqtt_store_remove(&store, FIRST, 1));
        uint32_t oldest = 1;
        while (!mvs_mqtt_store_remove(&store, FIRST, oldest))
                ck_assert_uint_lt(++oldest, 200);
        ck_assert_uint_gt(oldest, 100);
        for (uint32_t id = oldest + 1; id <= 200; id++)
                expect_taken("a", SECOND, id);
        expect_taken("a", SECOND, 0);
}
END_TEST

START_TEST(a_message_larger_than_the_ring_is_not_kept)
{
        add("a", FIRST, 1, 20);
        add("a", FIRST, 2, 8U << 20);
        expect_taken("a", SECOND, 1);
        expect_taken("a", SECOND, 0);
}
END_TEST

Suite *suite(void)
{
        Suite *s = suite_create("mqtt store");
        TCase *tests = tcase_create("store");
        tcase_add_checked_fixture(tests, begin, end);
        tcase_add_test(tests, messages_come_again_in_order_to_another_channel);
        tcase_add_test(tests, what_is_acknowledged_does_not_come_again);
        tcase_add_test(tests, owners_are_apart);
        tcase_add_test(tests, an_empty_store_takes_no_memory);
        tcase_add_test(tests, another_life_finds_what_was_there);
        tcase_add_test(tests, the_ring_goes_round);
        tcase_add_test(tests, where_it_is_full_the_oldest_go);
        tcase_add_test(tests, a_message_larger_than_the_ring_is_not_kept);
        suite_add_tcase(s, tests);
        return s;
}
