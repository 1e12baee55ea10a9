/* column_private: what the two halves of the codec agree on. */
#ifndef GUARITA_VAULT_COLUMN_PRIVATE_H
#define GUARITA_VAULT_COLUMN_PRIVATE_H

#define COLUMN_PACKED_MAX 56u   /* bits: one unaligned load of eight bytes holds any value */
#define COLUMN_PAD 8u           /* bytes behind packed values, so that the load never runs out */

#endif
