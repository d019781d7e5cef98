#!/usr/bin/env python3
"""Turns the tables of tests/data into C that holds a build against them.

generate.py host DATA    what tests/test_api.c includes: static assertions about mv_syscalls.h, and tables
generate.py target DATA  a file of its own: static assertions about the layout on the target
"""
import pathlib
import sys


def rows(data, name):
    for line in (data / name).read_text().splitlines():
        if line and not line.startswith('#'):
            yield line.split('\t')


def grouped(table):
    """[a, x...], [a, y...] becomes {a: [[x...], [y...]]}, in the order of the table."""
    groups = {}
    for first, *rest in table:
        groups.setdefault(first, []).append(rest)
    return groups


def claim(condition, text):
    print(f'_Static_assert({condition}, "{text}");')


def claim_same_type(actual, expected, text):
    claim(f'__builtin_types_compatible_p({actual}, {expected})', text)


def declare(type_name, name):
    return f'{type_name}{"" if type_name.endswith("*") else " "}{name}'


def parameter_type(parameter):
    """'const uint8_t *data' without its name."""
    return parameter.rstrip('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_').strip()


def mirror(struct, fields):
    """The same structure, written from the table: what is missing, added or moved makes the layouts differ."""
    print(f'struct mirror_{struct} {{')
    for field, type_name in fields:
        if not field.startswith('v1.'):
            print(f'        {declare(type_name, field)};')
    inner = [(field[3:], type_name) for field, type_name in fields if field.startswith('v1.')]
    if inner:
        print('        struct {')
        for field, type_name in inner:
            print(f'                {declare(type_name, field)};')
        print('        } v1;')
    print('};')


def structures(data):
    for struct, fields in grouped(rows(data, 'structs.tsv')).items():
        mirror(struct, fields)
        claim(f'sizeof(struct {struct}) == sizeof(struct mirror_{struct})', f'size of {struct}')
        for field, type_name in fields:
            claim_same_type(f'__typeof__(((struct {struct} *)0)->{field})', type_name, f'type of {struct}.{field}')
            claim(f'offsetof(struct {struct}, {field}) == offsetof(struct mirror_{struct}, {field})',
                  f'place of {struct}.{field}')


def prototypes(data):
    for handle, opaque in rows(data, 'handles.tsv'):
        claim_same_type(handle, f'struct {opaque} *', f'type of {handle}')
    for name, *parameters in rows(data, 'functions.tsv'):
        types = ', '.join(parameter_type(p) for p in parameters) or 'void'
        claim_same_type(f'__typeof__({name})', f'enum MvStatus({types})', f'prototype of {name}')


def tables(data):
    statuses = grouped(rows(data, 'statuses.tsv'))
    gate = {name: int(address, 16) for address, name in rows(data, 'gate.tsv')}
    print('static const struct enumerator enumerators[] = {')
    for enum, name, value in rows(data, 'enums.tsv'):
        print(f'        {{"{name}", (uint32_t){name}, {value}u}},')
    print('};\nstatic const struct function functions[] = {')
    for name, *parameters in rows(data, 'functions.tsv'):
        may = ' | '.join(f'BIT({status})' for status, in statuses.pop(name))
        print(f'        {{"{name}", (void (*)(void)){name}, "{", ".join(parameters)}", {gate.pop(name):#010x}u, {may}}},')
    print('};\nstatic const struct veneer retired_veneers[] = {')
    for name, address in gate.items():
        print(f'        {{"{name}", {address:#010x}u}},')
    print('};')
    if statuses:
        sys.exit(f'statuses.tsv names calls that functions.tsv does not: {", ".join(statuses)}')


def pointers_of(structures, struct, prefix):
    """Paths to the pointers in a structure and behind them, as declared. What `num_...` beside it counts is an array."""
    fields = structures[struct]
    array = any(field.startswith('num_') for field, _ in fields)
    for field, type_name in fields:
        path = prefix + field.removeprefix('v1.')
        inner = type_name.removeprefix('const ').removeprefix('struct ').removesuffix('*').strip()
        if type_name.endswith('*'):
            yield path
        if inner in structures:
            elements = '[]' if array and type_name.endswith('*') else ''
            yield from pointers_of(structures, inner, f'{path}{elements}.')


def nested(data):
    structures = grouped(rows(data, 'structs.tsv'))
    print('static const struct nested_pointer nested_pointers[] = {')
    for name, *parameters in rows(data, 'functions.tsv'):
        for parameter in parameters:
            struct = parameter_type(parameter).removeprefix('const ').removeprefix('struct ').removesuffix('*').strip()
            for path in pointers_of(structures, struct, '') if struct in structures else []:
                print(f'        {{"{name}", "{path}"}},')
    print('};')


def target(data):
    print('#include <stddef.h>\n\n#include "mv_syscalls.h"\n')
    enums = {row[0] for row in rows(data, 'enums.tsv')}
    handles = {row[0] for row in rows(data, 'handles.tsv')}
    for name, field, offset, size in rows(data, 'target_abi.tsv'):
        type_name = name if name in handles else f'enum {name}' if name in enums else f'struct {name}'
        if not field:
            claim(f'sizeof({type_name}) == {size}', f'size of {name}')
            continue
        claim(f'offsetof({type_name}, {field}) == {offset}', f'offset of {name}.{field}')
        claim(f'sizeof((({type_name} *)0)->{field}) == {size}', f'size of {name}.{field}')


def main():
    data = pathlib.Path(sys.argv[2])
    print('/* Made from tests/data by tests/api/generate.py. */')
    if sys.argv[1] == 'target':
        target(data)
        return
    structures(data)
    prototypes(data)
    tables(data)
    nested(data)


main()
