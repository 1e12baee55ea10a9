/*
 * control: the supervisor's unix socket for people and tools: one JSON object a line, in both directions. Few commands,
 * one table. Asking may whoever can open the socket; changing may only root and the supervisor's own user.
 *
 *   {"cmd":"status"}   {"cmd":"watch"}   {"cmd":"bans"}   {"cmd":"reload"}   {"cmd":"stop"}
 *
 * Orders go on to the role that carries them out, as they are:
 *
 *   {"cmd":"rules"}   {"cmd":"routes"}   {"cmd":"interfaces"}
 *   {"cmd":"vpn"}   {"cmd":"vpn-kick","name":"filial1"}   {"cmd":"vpn-dial","name":"matriz.example.com"}
 *   {"cmd":"seal","type":"account_seen",...}
 *   {"cmd":"vault-erase","index":17,"by":"ana","reason":"asked for by the person"}
 *   {"cmd":"vault-rekey"}
 *   {"cmd":"block","net":"192.0.2.7","seconds":600,...}   {"cmd":"unblock","net":"192.0.2.7"}
 *   {"cmd":"trace","net":"192.0.2.7","to":"198.51.100.1","port":443,"seconds":30,"packets":20}
 */
#ifndef GUARITA_ROLE_CONTROL_H
#define GUARITA_ROLE_CONTROL_H

#include "base/buf.h"
#include "sys/loop.h"
#include "sys/sock.h"

#define CONTROL_CLIENTS_MAX 64
#define CONTROL_LINE_MAX 1024
#define CONTROL_OUT_MAX (8u << 20)     /* a watcher that falls behind by so much is let go, and told so in status */

struct control;
struct control_client;

struct control_calls {
	void *ctx;
	void (*on_status)(void *ctx, struct control_client *c);        /* answer now or later with control_answer() */
	void (*on_bans)(void *ctx, struct control_client *c);
	/* For a role: the whole line, of which only the word is known. */
	void (*on_order)(void *ctx, struct control_client *c, struct str word, struct str line);
	/* Somebody wants to change something, and may or may not: told before it is done. */
	void (*on_wish)(void *ctx, const struct sock_peer *by, bool may, struct str line);
	void (*on_reload)(void *ctx, struct control_client *c);
	void (*on_stop)(void *ctx, struct control_client *c);
	void (*on_gone)(void *ctx, struct control_client *c);          /* do not use it any more */
};

int control_open(struct loop *l, const char *path, unsigned mode, const struct control_calls *calls,
    struct control **ret) WARN_UNUSED;
void control_close(struct control *c);
/* One line, without its newline. */
void control_answer(struct control_client *c, struct str json);
/* To all who said watch. */
void control_tell_watchers(struct control *c, struct str json);
size_t control_watchers(const struct control *c);
uint64_t control_dropped(const struct control *c);     /* watchers let go */

#endif
