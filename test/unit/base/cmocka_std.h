/* cmocka_std: the headers that cmocka wants before its own, once. */
#ifndef GUARITA_TEST_CMOCKA_STD_H
#define GUARITA_TEST_CMOCKA_STD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
