/*
 * The API against the specification in tests/data: the header's values, structures and prototypes, that the library
 * exports every call, and that src/calls.def tells the same. Structures and prototypes are static assertions in
 * api_checks.h, which is made from the tables; a build that breaks one does not get here.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "mv_syscalls.h"
#include "suite.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define BIT(status)   (UINT64_C(1) << MV_STATUS_##status)
#define VENEERS       0x0c1fe000u
#define THUMB         1u

struct enumerator {
        const char *name;
        uint32_t actual;
        uint32_t expected;
};

struct function {
        const char *name;
        void (*address)(void);
        const char *parameters;
        uint32_t veneer;
        uint64_t statuses;
};

struct veneer {
        const char *name;
        uint32_t address;
};

struct nested_pointer {
        const char *call;
        const char *field;
};

#include "api_checks.h"

#define MVS_POINTER(call, field, below, structure, member, access, kind, length, refusal) {#call, field},
static const struct nested_pointer pointers[] = {
#include "src/pointers.def"
};
#undef MVS_POINTER

/* calls.def as function types, held against the header's while compiling. */
#define ARGS0()                      void
#define ARGS1(a)                     a
#define ARGS2(a, b)                  a, b
#define ARGS3(a, b, c)               a, b, c
#define ARGS4(a, b, c, d)            a, b, c, d
#define ARG_VALUE(type, name)        type
#define ARG_REGISTER(name)           uint32_t
#define ARG_OUT(type, name)          type *
#define ARG_IN(type, name)           const type *
#define ARG_INOUT(type, name)        type *
#define ARG_HANDLE(type, kind, name) type
#define ARG_BUFFER_OUT(name, length) uint8_t *
#define ARG_BUFFER_IN(name, length)  const uint8_t *
#define ARG_LEND(name, length)       uint8_t *
#define MVS_RETIRED(name, offset)
#define MVS_CALL(name, group, offset, flags, arguments, may)                                     \
        _Static_assert(__builtin_types_compatible_p(__typeof__(name), enum MvStatus(arguments)), \
                       "calls.def: arguments of " #name);
#include "src/calls.def"
#undef ARGS0
#undef ARGS1
#undef ARGS2
#undef ARGS3
#undef ARGS4
#undef ARG_VALUE
#undef ARG_REGISTER
#undef ARG_OUT
#undef ARG_IN
#undef ARG_INOUT
#undef ARG_HANDLE
#undef ARG_BUFFER_OUT
#undef ARG_BUFFER_IN
#undef ARG_LEND
#undef MVS_RETIRED
#undef MVS_CALL

/* calls.def as rows of text and numbers. */
#define ARGS0()                      ""
#define ARGS1(a)                     a
#define ARGS2(a, b)                  a ", " b
#define ARGS3(a, b, c)               a ", " b ", " c
#define ARGS4(a, b, c, d)            a ", " b ", " c ", " d
#define ARG_VALUE(type, name)        #type " " #name
#define ARG_REGISTER(name)           "uint32_t " #name
#define ARG_OUT(type, name)          #type " *" #name
#define ARG_IN(type, name)           "const " #type " *" #name
#define ARG_INOUT(type, name)        #type " *" #name
#define ARG_HANDLE(type, kind, name) #type " " #name
#define ARG_BUFFER_OUT(name, length) "uint8_t *" #name
#define ARG_BUFFER_IN(name, length)  "const uint8_t *" #name
#define ARG_LEND(name, length)       "uint8_t *" #name
#define MAY(status)                  BIT(status)
#define SLIP(status)                 BIT(status)
#define NONE                         0
#define MVS_RETIRED(name, offset)
#define MVS_CALL(name, group, offset, flags, arguments, may) \
        {#name, (void (*)(void))(name), arguments, VENEERS + (offset) + THUMB, BIT(OKAY) | (may)},
static const struct function calls[] = {
#include "src/calls.def"
};
#undef MVS_RETIRED
#undef MVS_CALL

#define MVS_CALL(name, group, offset, flags, arguments, may)
#define MVS_RETIRED(name, offset) {#name, VENEERS + (offset) + THUMB},
static const struct veneer retired_calls[] = {
#include "src/calls.def"
};

/* Equal but for blanks, which the type `uint8_t *` brings to other places than a declaration. */
static int same_words(const char *a, const char *b)
{
        for (;; a++, b++) {
                a += strspn(a, " ");
                b += strspn(b, " ");
                if (*a != *b || *a == '\0')
                        return *a == *b;
        }
}

START_TEST(enumerators_have_the_documented_values)
{
        for (size_t i = 0; i < LENGTH(enumerators); i++)
                ck_assert_msg(enumerators[i].actual == enumerators[i].expected, "%s is 0x%x, not 0x%x",
                              enumerators[i].name, (unsigned)enumerators[i].actual, (unsigned)enumerators[i].expected);
}
END_TEST

START_TEST(every_call_is_exported)
{
        for (size_t i = 0; i < LENGTH(functions); i++)
                ck_assert_msg(functions[i].address != NULL, "%s is not there", functions[i].name);
}
END_TEST

START_TEST(calls_def_lists_the_calls_in_order)
{
        ck_assert_uint_eq(LENGTH(calls), LENGTH(functions));
        for (size_t i = 0; i < LENGTH(calls); i++)
                ck_assert_str_eq(calls[i].name, functions[i].name);
}
END_TEST

START_TEST(calls_def_names_the_parameters)
{
        for (size_t i = 0; i < LENGTH(calls); i++)
                ck_assert_msg(same_words(calls[i].parameters, functions[i].parameters), "%s(%s), not (%s)",
                              calls[i].name, calls[i].parameters, functions[i].parameters);
}
END_TEST

START_TEST(calls_def_has_the_documented_statuses)
{
        for (size_t i = 0; i < LENGTH(calls); i++)
                ck_assert_msg(calls[i].statuses == functions[i].statuses, "%s: statuses 0x%llx, not 0x%llx",
                              calls[i].name, (unsigned long long)calls[i].statuses,
                              (unsigned long long)functions[i].statuses);
}
END_TEST

START_TEST(calls_def_has_the_addresses_of_the_gate)
{
        for (size_t i = 0; i < LENGTH(calls); i++)
                ck_assert_msg(calls[i].veneer == functions[i].veneer, "%s at 0x%08x, not 0x%08x", calls[i].name,
                              (unsigned)calls[i].veneer, (unsigned)functions[i].veneer);
}
END_TEST

START_TEST(calls_def_keeps_the_places_of_retired_calls)
{
        ck_assert_uint_eq(LENGTH(retired_calls), LENGTH(retired_veneers));
        for (size_t i = 0; i < LENGTH(retired_calls); i++) {
                ck_assert_str_eq(retired_calls[i].name, retired_veneers[i].name);
                ck_assert_uint_eq(retired_calls[i].address, retired_veneers[i].address);
        }
}
END_TEST

START_TEST(pointers_def_lists_the_pointers_in_structures_in_order)
{
        for (size_t i = 0; i < LENGTH(pointers) && i < LENGTH(nested_pointers); i++) {
                ck_assert_str_eq(pointers[i].call, nested_pointers[i].call);
                ck_assert_str_eq(pointers[i].field, nested_pointers[i].field);
        }
        ck_assert_uint_eq(LENGTH(pointers), LENGTH(nested_pointers));
}
END_TEST

Suite *suite(void)
{
        Suite *s = suite_create("api");
        TCase *header = tcase_create("header");
        tcase_add_test(header, enumerators_have_the_documented_values);
        tcase_add_test(header, every_call_is_exported);
        suite_add_tcase(s, header);
        TCase *list = tcase_create("calls.def");
        tcase_add_test(list, calls_def_lists_the_calls_in_order);
        tcase_add_test(list, calls_def_names_the_parameters);
        tcase_add_test(list, calls_def_has_the_documented_statuses);
        tcase_add_test(list, calls_def_has_the_addresses_of_the_gate);
        tcase_add_test(list, calls_def_keeps_the_places_of_retired_calls);
        tcase_add_test(list, pointers_def_lists_the_pointers_in_structures_in_order);
        suite_add_tcase(s, list);
        return s;
}
