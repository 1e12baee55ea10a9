/* The rows of test_l2tp_rfc2661.c, where their language is told. A row: section, clause, stage, what is sent, what must come, what stands then. */
#ifndef GUARITA_TEST_L2TP_RFC2661_H
#define GUARITA_TEST_L2TP_RFC2661_H

/* C_: we dialled. */
enum stage {
	NOTHING, WAIT_CONN, UP, WAIT_CONNECT, CALL_UP, CLOSING, SECRET_NOTHING, SECRET_WAIT_CONN, C_WAIT_REPLY, C_CALLING, C_CALL_UP,
	C_SECRET,
};

struct rfc2661_row {
	const char *section, *clause;
	enum stage stage;
	const char *input, *answer, *then;
};

static const struct rfc2661_row rfc2661_rows[] = {
	/* 3.1: the head */
	{ "3.1", "T, L and S with version 2 is a control message", NOTHING, "SCCRQ flags=c802 ver host frame tid", "SCCRP", "wait-conn" },
	{ "3.1", "reserved bits are ignored on receipt", NOTHING, "SCCRQ flags=fcf2 ver host frame tid", "SCCRP", "wait-conn" },
	{ "3.1", "a control message without L is none", NOTHING, "SCCRQ flags=8802 ver host frame tid", "", "none" },
	{ "3.1", "a control message without S is none", NOTHING, "SCCRQ flags=c002 ver host frame tid", "", "none" },
	{ "3.1", "O must be clear in a control message", NOTHING, "SCCRQ flags=ca02 ver host frame tid", "", "none" },
	{ "3.1", "P must be clear in a control message", NOTHING, "SCCRQ flags=c902 ver host frame tid", "", "none" },
	{ "3.1", "version 1 is L2F: told which we speak", NOTHING, "SCCRQ flags=c801 ver host frame tid", "StopCCN(5/256)", "none" },
	{ "3.1", "version 3 is told which we speak", NOTHING, "SCCRQ flags=c803 ver host frame tid", "StopCCN(5/256)", "none" },
	{ "3.1", "data of version 3 is dropped in silence", NOTHING, "raw=00030000000000000000", "", "none" },
	{ "3.1", "a length beyond the datagram is a fault", NOTHING, "SCCRQ len+1 ver host frame tid", "", "none" },
	{ "3.1", "a length shorter than the head is a fault", NOTHING, "raw=c802000b0000000000000000", "", "none" },
	{ "3.1", "bytes beyond the length are padding", NOTHING, "SCCRQ pad ver host frame tid", "SCCRP", "wait-conn" },
	{ "3.1", "no byte at all", NOTHING, "raw=c8 cut=1", "", "none" },
	{ "3.1", "two bytes", NOTHING, "raw=c802", "", "none" },
	{ "3.1", "a head cut in Ns", NOTHING, "SCCRQ cut=9", "", "none" },
	{ "3.1", "an unknown tunnel is not answered", NOTHING, "HELLO to=4711", "", "none" },
	{ "3.1", "an unknown tunnel is not answered, whatever is said", UP, "StopCCN to=4711 tid result=1", "", "up" },
	{ "3.1", "tunnel 0 in data", CALL_UP, "to=0 data=0002", "", "up/up" },
	{ "3.1", "session 0 in data", CALL_UP, "raw=000200010000ff03c021", "", "up/up" },
	{ "3.1", "data with the least head", CALL_UP, "data=0002", "frame", "up/up" },
	{ "3.1", "data with a length", CALL_UP, "data=4002", "frame", "up/up" },
	{ "3.1", "data with an offset", CALL_UP, "data=0202", "frame", "up/up" },
	{ "3.1", "data with numbers", CALL_UP, "data=0802", "frame", "up/up" },
	{ "3.1", "data with everything", CALL_UP, "data=4a02", "frame", "up/up" },
	{ "3.1", "data with priority", CALL_UP, "data=0102", "frame", "up/up" },
	{ "3.1", "an offset beyond the packet", CALL_UP, "raw=020200010001ffff00", "", "up/up" },
	{ "3.1", "data of a session that is not there", CALL_UP, "call=4711 data=0002", "", "up/up" },
	{ "3.1", "data of a session that does not stand yet", WAIT_CONNECT, "data=0002", "", "up/wait-connect" },
	{ "3.1", "data of a closed tunnel", CLOSING, "call=1 data=0002", "", "closing" },

	/* 4.1: attributes */
	{ "4.1", "an attribute shorter than its head", NOTHING, "SCCRQ ver host frame tid tail=800500000008", "StopCCN(2/2)", "none" },
	{ "4.1", "an attribute of length 0", UP, "HELLO tail=800000000007", "StopCCN(2/2)", "closing" },
	{ "4.1", "an attribute beyond the message", NOTHING, "SCCRQ ver host frame tid len-1", "", "none" },
	{ "4.1", "reserved bits and M: unrecognised", NOTHING, "SCCRQ ver host frame tid R8=6161", "StopCCN(2/8)", "none" },
	{ "4.1", "an attribute of the longest length", NOTHING, "SCCRQ ver host frame tid V9.1=00", "StopCCN(2/8)", "none" },
	{ "4.1", "attributes in any order behind the type", NOTHING, "SCCRQ tid frame host ver", "SCCRP", "wait-conn" },
	{ "4.1", "an attribute of a vendor is passed over when M is clear", NOTHING, "SCCRQ ver host frame tid W9.1=aabb", "SCCRP", "wait-conn" },
	{ "4.1", "an attribute of a vendor with M ends the tunnel", NOTHING, "SCCRQ ver host frame tid V9.1=aabb", "StopCCN(2/8)", "none" },
	{ "4.1", "a vendor's attribute has no meaning of ours", NOTHING, "SCCRQ ver host frame tid W9.9=0000", "SCCRP", "wait-conn" },

	/* 4.2: mandatory */
	{ "4.2", "an unknown attribute without M is passed over", NOTHING, "SCCRQ ver host frame tid O99=00", "SCCRP", "wait-conn" },
	{ "4.2", "an unknown attribute with M ends the tunnel (of SCCRQ)", NOTHING, "SCCRQ ver host frame tid M99=00", "StopCCN(2/8)", "none" },
	{ "4.2", "... of SCCCN", WAIT_CONN, "SCCCN M99=00", "StopCCN(2/8)", "closing" },
	{ "4.2", "... of HELLO", UP, "HELLO M99=00", "StopCCN(2/8)", "closing" },
	{ "4.2", "... of ICRQ ends the call only", UP, "ICRQ sid serial M99=00", "CDN(2/8)", "up" },
	{ "4.2", "... of ICCN ends the call only", WAIT_CONNECT, "ICCN speed framing M99=00", "CDN(2/8)", "up" },
	{ "4.2", "... of WEN ends the call only", CALL_UP, "WEN M99=00", "CDN(2/8)", "up" },
	{ "4.2", "... of SCCRP ends the tunnel", C_WAIT_REPLY, "SCCRP ver host frame tid M99=00", "StopCCN(2/8)", "closing" },
	{ "4.2", "an unknown one without M in a call", WAIT_CONNECT, "ICCN speed framing O99=00", "ZLB", "up/up" },
	{ "4.2", "StopCCN is understood whatever it carries", UP, "StopCCN tid result=1 M99=00", "ZLB", "closing" },
	{ "4.2", "CDN is understood whatever it carries", CALL_UP, "CDN sid result=1 M99=00", "ZLB", "up" },
	{ "4.2", "an unknown message with M ends the tunnel", UP, "ZLB M0=0063", "StopCCN(2/8)", "closing" },
	{ "4.2", "an unknown message without M is only acknowledged", UP, "ZLB O0=0063", "ZLB", "up" },
	{ "4.2", "an unknown message to nobody", NOTHING, "ZLB M0=0063", "", "none" },

	/* 4.3: hidden values */
	{ "4.3", "a hidden number is read", SECRET_NOTHING, "SCCRQ ver host frame hide=segredo,9,0007", "SCCRP", "wait-conn" },
	{ "4.3", "a hidden text is read", SECRET_NOTHING, "SCCRQ ver host frame tid hide=segredo,8,5665", "SCCRP", "wait-conn" },
	{ "4.3", "hidden with another secret, M set", SECRET_NOTHING, "SCCRQ ver host frame tid hide=outro,10,0004", "StopCCN(2/3)", "none" },
	{ "4.3", "hidden without a random vector, M set", SECRET_NOTHING, "SCCRQ ver host frame H9=00112233445566778899aabbccddeeff", "", "none" },
	{ "4.3", "hidden and we have no secret, M set", NOTHING, "SCCRQ ver host frame tid hide=segredo,4,00000003", "StopCCN(2/3)", "none" },
	{ "4.3", "hidden of one byte", SECRET_NOTHING, "SCCRQ ver host frame tid M36=aa H4=00", "StopCCN(2/3)", "none" },
	{ "4.3", "a random vector alone is harmless", NOTHING, "SCCRQ ver host frame tid M36=aabbcc", "SCCRP", "wait-conn" },
	{ "4.3", "an empty random vector", NOTHING, "SCCRQ ver host frame tid M36=", "StopCCN(2/2)", "none" },

	/* 4.4.1: message type */
	{ "4.4.1", "the type comes first", NOTHING, "ZLB tid M0=0001", "", "none" },
	{ "4.4.1", "the type may not be hidden", NOTHING, "ZLB H0=0001 tid", "", "none" },
	{ "4.4.1", "a type of one byte", UP, "ZLB M0=06", "StopCCN(2/2)", "closing" },
	{ "4.4.1", "a vendor's attribute first", UP, "ZLB W9.0=0006", "StopCCN(2/3)", "closing" },
	{ "4.4.1", "a second type counts for nothing", NOTHING, "SCCRQ M0=0006 ver host frame tid", "SCCRP", "wait-conn" },
	{ "4.4.1", "type 0 is reserved", UP, "ZLB M0=0000", "StopCCN(2/8)", "closing" },
	{ "4.4.1", "type 5 is reserved", UP, "ZLB M0=0005", "StopCCN(2/8)", "closing" },
	{ "4.4.1", "type 13 is reserved", UP, "ZLB M0=000d", "StopCCN(2/8)", "closing" },

	/* 4.4.2: result codes */
	{ "4.4.2", "StopCCN 1: a general request to clear", UP, "StopCCN tid result=1", "ZLB", "closing" },
	{ "4.4.2", "StopCCN 2 with an error", UP, "StopCCN tid result=2/6", "ZLB", "closing" },
	{ "4.4.2", "StopCCN 7 of an unknown kind", UP, "StopCCN tid result=99", "ZLB", "closing" },
	{ "4.4.2", "StopCCN without a result", UP, "StopCCN tid", "ZLB", "closing" },
	{ "4.4.2", "a result of one byte", UP, "StopCCN tid M1=01", "ZLB", "closing" },
	{ "4.4.2", "a result with words", UP, "StopCCN tid M1=00020006627965", "ZLB", "closing" },
	{ "4.4.2", "CDN 1: carrier lost", CALL_UP, "CDN sid result=1", "ZLB", "up" },
	{ "4.4.2", "CDN without a result", CALL_UP, "CDN sid", "ZLB", "up" },
	{ "4.4.2", "CDN of an unknown kind", CALL_UP, "CDN sid result=77/77", "ZLB", "up" },

	/* 4.4.3: of tunnels */
	{ "4.4.3", "protocol version 1.0", NOTHING, "SCCRQ ver host frame tid", "SCCRP", "wait-conn" },
	{ "4.4.3", "protocol version 2.0", NOTHING, "SCCRQ ver=0x0200 host frame tid", "StopCCN(5/256)", "none" },
	{ "4.4.3", "protocol version 1.1", NOTHING, "SCCRQ ver=0x0101 host frame tid", "StopCCN(5/256)", "none" },
	{ "4.4.3", "no protocol version", NOTHING, "SCCRQ host frame tid", "StopCCN(5/256)", "none" },
	{ "4.4.3", "protocol version of one byte", NOTHING, "SCCRQ M2=01 host frame tid", "StopCCN(2/2)", "none" },
	{ "4.4.3", "protocol version, without M, of one byte", NOTHING, "SCCRQ O2=01 host frame tid", "StopCCN(5/256)", "none" },
	{ "4.4.3", "protocol version 2.0 of the server", C_WAIT_REPLY, "SCCRP ver=0x0200 host frame tid", "StopCCN(5/256)", "closing" },
	{ "4.4.3", "framing capabilities of 3 bytes", NOTHING, "SCCRQ ver host M3=000003 tid", "StopCCN(2/2)", "none" },
	{ "4.4.3", "framing capabilities of 5 bytes: the leading ones count", NOTHING, "SCCRQ ver host M3=0000000300 tid", "SCCRP", "wait-conn" },
	{ "4.4.3", "no framing capabilities", NOTHING, "SCCRQ ver host tid", "", "none" },
	{ "4.4.3", "framing capabilities of no kind", NOTHING, "SCCRQ ver host frame=0 tid", "SCCRP", "wait-conn" },
	{ "4.4.3", "bearer capabilities may be missing", NOTHING, "SCCRQ ver host frame tid", "SCCRP", "wait-conn" },
	{ "4.4.3", "bearer capabilities of 3 bytes", NOTHING, "SCCRQ ver host frame tid M4=000003", "StopCCN(2/2)", "none" },
	{ "4.4.3", "a tie breaker where there is no tie", NOTHING, "SCCRQ ver host frame tid tie", "SCCRP", "wait-conn" },
	{ "4.4.3", "a tie breaker of 7 bytes, M clear", NOTHING, "SCCRQ ver host frame tid O5=00112233445566", "SCCRP", "wait-conn" },
	{ "4.4.3", "firmware revision", NOTHING, "SCCRQ ver host frame tid firmware", "SCCRP", "wait-conn" },
	{ "4.4.3", "firmware revision of one byte, M clear", NOTHING, "SCCRQ ver host frame tid O6=06", "SCCRP", "wait-conn" },
	{ "4.4.3", "no host name", NOTHING, "SCCRQ ver frame tid", "", "none" },
	{ "4.4.3", "an empty host name", NOTHING, "SCCRQ ver M7= frame tid", "StopCCN(2/2)", "none" },
	{ "4.4.3", "a host name with a NUL", NOTHING, "SCCRQ ver M7=61006200 frame tid", "SCCRP", "wait-conn" },
	{ "4.4.3", "a vendor name", NOTHING, "SCCRQ ver host frame tid O8=4d6963726f736f6674", "SCCRP", "wait-conn" },
	{ "4.4.3", "an empty vendor name", NOTHING, "SCCRQ ver host frame tid O8=", "SCCRP", "wait-conn" },
	{ "4.4.3", "no tunnel id", NOTHING, "SCCRQ ver host frame", "", "none" },
	{ "4.4.3", "tunnel id 0", NOTHING, "SCCRQ ver host frame tid=0", "", "none" },
	{ "4.4.3", "tunnel id of one byte", NOTHING, "SCCRQ ver host frame M9=07", "", "none" },
	{ "4.4.3", "tunnel id 0 of the server", C_WAIT_REPLY, "SCCRP ver host frame tid=0", "StopCCN(2/3)", "closing" },
	{ "4.4.3", "no tunnel id of the server", C_WAIT_REPLY, "SCCRP ver host frame", "StopCCN(2/3)", "closing" },
	{ "4.4.3", "tunnel id 65535", NOTHING, "SCCRQ ver host frame tid=65535", "SCCRP", "wait-conn" },
	{ "4.4.3", "receive window of one", NOTHING, "SCCRQ ver host frame tid win=1", "SCCRP", "wait-conn" },
	{ "4.4.3", "receive window 0 is taken for none", NOTHING, "SCCRQ ver host frame tid win=0", "SCCRP", "wait-conn" },
	{ "4.4.3", "receive window of one byte", NOTHING, "SCCRQ ver host frame tid M10=04", "StopCCN(2/2)", "none" },
	{ "4.4.3", "a challenge and we have no secret", NOTHING, "SCCRQ ver host frame tid challenge", "StopCCN(4)", "closing" },
	{ "4.4.3", "an empty challenge", SECRET_NOTHING, "SCCRQ ver host frame tid M11=", "StopCCN(2/2)", "none" },
	{ "4.4.3", "a challenge of one byte", SECRET_NOTHING, "SCCRQ ver host frame tid M11=aa", "SCCRP+wrong", "wait-conn" },
	{ "4.4.3", "an answer of 15 bytes", SECRET_WAIT_CONN, "SCCCN M13=00112233445566778899aabbccddee", "StopCCN(2/2)", "closing" },

	/* 5.1.1: who is who */
	{ "5.1.1", "a challenge is answered", SECRET_NOTHING, "SCCRQ ver host frame tid challenge", "SCCRP+answer", "wait-conn" },
	{ "5.1.1", "the right answer", SECRET_WAIT_CONN, "SCCCN answer", "ZLB", "up" },
	{ "5.1.1", "a wrong answer", SECRET_WAIT_CONN, "SCCCN answer=wrong", "StopCCN(4)", "closing" },
	{ "5.1.1", "no answer", SECRET_WAIT_CONN, "SCCCN", "StopCCN(4)", "closing" },
	{ "5.1.1", "nothing else before the answer", SECRET_WAIT_CONN, "ICRQ sid serial", "StopCCN(7)", "closing" },
	{ "5.1.1", "the server answers and asks", C_SECRET, "SCCRP ver host frame tid challenge answer", "SCCCN+answer ICRQ", "up/wait-reply" },
	{ "5.1.1", "the server answers and does not ask", C_SECRET, "SCCRP ver host frame tid answer", "SCCCN ICRQ", "up/wait-reply" },
	{ "5.1.1", "the server does not answer", C_SECRET, "SCCRP ver host frame tid challenge", "StopCCN(4)", "closing" },
	{ "5.1.1", "the server answers wrongly", C_SECRET, "SCCRP ver host frame tid answer=wrong", "StopCCN(4)", "closing" },
	{ "5.1.1", "the server asks and we have no secret", C_WAIT_REPLY, "SCCRP ver host frame tid challenge", "StopCCN(4)", "closing" },
	{ "5.1.1", "an answer nobody asked for", C_WAIT_REPLY, "SCCRP ver host frame tid answer", "SCCCN ICRQ", "up/wait-reply" },

	/* 4.4.4: of calls */
	{ "4.4.4", "session id", UP, "ICRQ sid serial", "ICRP", "up/wait-connect" },
	{ "4.4.4", "no session id", UP, "ICRQ serial", "CDN(3)", "up" },
	{ "4.4.4", "session id 0", UP, "ICRQ sid=0 serial", "CDN(3)", "up" },
	{ "4.4.4", "session id of one byte", UP, "ICRQ M14=09 serial", "CDN(2/2)", "up" },
	{ "4.4.4", "session id 65535", UP, "ICRQ sid=65535 serial", "ICRP", "up/wait-connect" },
	{ "4.4.4", "no call serial number: live peers leave it out", UP, "ICRQ sid", "ICRP", "up/wait-connect" },
	{ "4.4.4", "call serial number of 3 bytes", UP, "ICRQ sid M15=000001", "CDN(2/2)", "up" },
	{ "4.4.4", "bearer type", UP, "ICRQ sid serial M18=00000002", "ICRP", "up/wait-connect" },
	{ "4.4.4", "bearer type of 2 bytes", UP, "ICRQ sid serial M18=0002", "CDN(2/2)", "up" },
	{ "4.4.4", "called number", UP, "ICRQ sid serial M21=353531", "ICRP", "up/wait-connect" },
	{ "4.4.4", "an empty called number", UP, "ICRQ sid serial M21=", "ICRP", "up/wait-connect" },
	{ "4.4.4", "calling number", UP, "ICRQ sid serial M22=353532", "ICRP", "up/wait-connect" },
	{ "4.4.4", "sub-address", UP, "ICRQ sid serial M23=30", "ICRP", "up/wait-connect" },
	{ "4.4.4", "physical channel, M clear", UP, "ICRQ sid serial O25=00000001", "ICRP", "up/wait-connect" },
	{ "4.4.4", "physical channel of 3 bytes, M clear", UP, "ICRQ sid serial O25=000001", "ICRP", "up/wait-connect" },
	{ "4.4.4", "session id 0 of the server", C_CALLING, "ICRP sid=0", "CDN(2/3) StopCCN(1)", "closing" },
	{ "4.4.4", "no session id of the server", C_CALLING, "ICRP", "CDN(2/3) StopCCN(1)", "closing" },
	{ "4.4.4", "transmit speed", WAIT_CONNECT, "ICCN speed framing", "ZLB", "up/up" },
	{ "4.4.4", "transmit speed of 2 bytes", WAIT_CONNECT, "ICCN M24=0001 framing", "CDN(2/2)", "up" },
	{ "4.4.4", "no transmit speed: live peers leave it out", WAIT_CONNECT, "ICCN framing", "ZLB", "up/up" },
	{ "4.4.4", "no framing type: live peers leave it out", WAIT_CONNECT, "ICCN speed", "ZLB", "up/up" },
	{ "4.4.4", "framing type of 2 bytes", WAIT_CONNECT, "ICCN speed M19=0001", "CDN(2/2)", "up" },
	{ "4.4.4", "receive speed, M clear", WAIT_CONNECT, "ICCN speed framing O38=00000001", "ZLB", "up/up" },
	{ "4.4.4", "private group", WAIT_CONNECT, "ICCN speed framing O37=6772", "ZLB", "up/up" },
	{ "4.4.4", "sequencing required", WAIT_CONNECT, "ICCN speed framing M39=", "ZLB", "up/up" },
	{ "4.4.4", "CDN before the peer heard our number names its own", WAIT_CONNECT, "CDN call=0 sid result=1", "ZLB", "up" },
	{ "4.4.4", "CDN of a session that is not there", UP, "CDN call=4711 sid result=1", "ZLB", "up" },

	/* 4.4.5, 4.4.6: proxy and status */
	{ "4.4.5", "proxy LCP is no fault", WAIT_CONNECT, "ICCN speed framing O26=010405b4 O27=010405b4 O28=010405b4", "ZLB", "up/up" },
	{ "4.4.5", "proxy authentication is no fault", WAIT_CONNECT, "ICCN speed framing O29=0002 O30=78 O31=aa O32=0001 O33=bb", "ZLB", "up/up" },
	{ "4.4.5", "proxy authentication type of one byte, M clear", WAIT_CONNECT, "ICCN speed framing O29=02", "ZLB", "up/up" },
	{ "4.4.6", "call errors", CALL_UP, "WEN M34=0000000000000000000000000000000000000000000000000000", "ZLB", "up/up" },
	{ "4.4.6", "call errors of 25 bytes", CALL_UP, "WEN M34=00000000000000000000000000000000000000000000000000", "CDN(2/2)", "up" },
	{ "4.4.6", "ACCM", CALL_UP, "SLI M35=00000000000000000000", "ZLB", "up/up" },
	{ "4.4.6", "ACCM of 9 bytes", CALL_UP, "SLI M35=000000000000000000", "CDN(2/2)", "up" },

	/* 5.4: numbers on data */
	{ "5.4", "numbers that rise", CALL_UP, "data=0802 ; ns+1 data=0802", "frame frame", "up/up" },
	{ "5.4", "a gap is stepped over", CALL_UP, "data=0802 ; ns+9 data=0802", "frame frame", "up/up" },
	{ "5.4", "one that came twice is dropped", CALL_UP, "data=0802 ; data=0802", "frame", "up/up" },
	{ "5.4", "one that is late is dropped", CALL_UP, "ns+5 data=0802 ; ns+4 data=0802", "frame", "up/up" },
	{ "5.4", "without numbers between", CALL_UP, "ns+5 data=0802 ; data=0002 ; ns+6 data=0802", "frame frame frame", "up/up" },
	{ "5.4", "numbers in data are not those of control", CALL_UP, "ns+100 data=0802 ; HELLO", "frame ZLB", "up/up" },

	/* 5.5: keep-alive */
	{ "5.5", "HELLO is acknowledged", UP, "HELLO", "ZLB", "up" },
	{ "5.5", "HELLO for a call that is up", CALL_UP, "HELLO", "ZLB", "up/up" },
	{ "5.5", "HELLO after a minute of silence", CALL_UP, "wait=60000", "HELLO", "up/up" },
	{ "5.5", "no HELLO where the peer was heard", CALL_UP, "wait=40000 ; HELLO ; wait=40000", "ZLB", "up/up" },
	{ "5.5", "a HELLO that is never acknowledged is the end", CALL_UP, "wait=100000",
	  "HELLO again:HELLO again:HELLO again:HELLO again:HELLO again:HELLO", "none" },

	/* 5.6, 5.7: the end */
	{ "5.7", "StopCCN ends all calls without a CDN", CALL_UP, "StopCCN tid result=6", "ZLB", "closing" },
	{ "5.7", "a repeated StopCCN is acknowledged again", CALL_UP, "StopCCN tid result=6 ; wait=1000 ; StopCCN ns-1 tid result=6", "ZLB ZLB", "closing" },
	{ "5.7", "a closed tunnel is forgotten after a cycle", UP, "StopCCN tid result=1 ; wait=32000", "ZLB", "none" },
	{ "5.7", "... and not before", UP, "StopCCN tid result=1 ; wait=30000", "ZLB", "closing" },
	{ "5.7", "StopCCN of who has not heard our number", WAIT_CONN, "StopCCN to=0 ns+0 tid result=1", "ZLB", "closing" },
	{ "5.7", "StopCCN of nobody", NOTHING, "StopCCN tid result=1", "", "none" },
	{ "5.7", "data after the end", CALL_UP, "StopCCN tid result=1 ; data=0002", "ZLB", "closing" },

	/* 5.8: the reliable channel */
	{ "5.8", "ZLB takes no number and is not acknowledged", UP, "ZLB ; wait=1000 ; ZLB", "", "up" },
	{ "5.8", "a repeated message is acknowledged and not done again", UP, "ICRQ sid serial ; wait=200 ; ICRQ ns-1 sid serial", "ICRP ZLB", "up/wait-connect" },
	{ "5.8", "a repeated SCCRQ opens no second tunnel", WAIT_CONN, "SCCRQ to=0 ns-1 nr-1 ver host frame tid", "ZLB", "wait-conn" },
	{ "5.8", "one that came early waits for its turn", UP, "ns+1 HELLO ; wait=100", "", "up" },
	{ "5.8", "early ones are done when the gap is closed", UP, "ICRQ ns+1 sid serial ; HELLO", "ICRP", "up/wait-connect" },
	{ "5.8", "one far outside of the window is dropped", UP, "HELLO ns+200 ; HELLO", "ZLB", "up" },
	{ "5.8", "an Nr beyond what was sent acknowledges nothing", WAIT_CONN, "ZLB nr+5 ; wait=1000", "again:SCCRP", "wait-conn" },
	{ "5.8", "an old Nr acknowledges nothing", WAIT_CONN, "ZLB nr-1 ; wait=1000", "again:SCCRP", "wait-conn" },
	{ "5.8", "an Nr that is right ends repetition", WAIT_CONN, "ZLB ; wait=20000", "", "wait-conn" },
	{ "5.8", "unanswered it comes again after 1, 2, 4, 8 seconds", WAIT_CONN, "wait=16000",
	  "again:SCCRP again:SCCRP again:SCCRP again:SCCRP", "wait-conn" },
	{ "5.8", "after all repetitions the tunnel is gone", WAIT_CONN, "wait=40000",
	  "again:SCCRP again:SCCRP again:SCCRP again:SCCRP again:SCCRP", "none" },
	{ "5.8", "an answer carries the acknowledgement", UP, "ICRQ sid serial ; wait=500", "ICRP", "up/wait-connect" },
	{ "5.8", "SCCRQ with Ns other than 0", NOTHING, "SCCRQ ns+1 ver host frame tid", "", "none" },
	{ "5.8", "two calls in one tunnel", UP, "ICRQ sid serial ; ICRQ sid=10 serial=2", "ICRP ICRP", "up/wait-connect+" },
	{ "5.8", "a call does not end its neighbour", UP, "ICRQ sid serial ; ICRQ sid=10 serial=2 ; CDN sid=10 result=1", "ICRP ICRP ZLB", "up/wait-connect" },

	/* 7.4: what takes too long */
	{ "7.4", "a call that is never connected is given up", WAIT_CONNECT, "ZLB ; wait=60200", "CDN(10) StopCCN(1)", "closing" },
};

/* Every message in every state: "answer > what stands then". */
#define RFC2661_COLUMNS NOTHING, WAIT_CONN, UP, WAIT_CONNECT, CALL_UP, CLOSING, C_WAIT_REPLY, C_CALLING, C_CALL_UP

static const struct {
	const char *input;
	const char *cells[9];
} rfc2661_grid[] = {
	/*                nothing, wait-conn, up, wait-connect, call up, closing | dialled: wait-reply, calling, call up */
	{ "SCCRQ ver host frame tid", { "SCCRP > wait-conn", "StopCCN(7) > closing", "StopCCN(7) > closing", "StopCCN(7) > closing",
	  "StopCCN(7) > closing", "ZLB > closing", "StopCCN(7) > closing", "StopCCN(7) > closing", "StopCCN(7) > closing" } },
	{ "SCCRP ver host frame tid", { "> none", "StopCCN(7) > closing", "StopCCN(7) > closing", "StopCCN(7) > closing",
	  "StopCCN(7) > closing", "ZLB > closing", "SCCCN ICRQ > up/wait-reply", "StopCCN(7) > closing", "StopCCN(7) > closing" } },
	{ "SCCCN", { "> none", "ZLB > up", "StopCCN(7) > closing", "StopCCN(7) > closing",
	  "StopCCN(7) > closing", "ZLB > closing", "StopCCN(7) > closing", "StopCCN(7) > closing", "StopCCN(7) > closing" } },
	{ "StopCCN tid result=1", { "> none", "ZLB > closing", "ZLB > closing", "ZLB > closing",
	  "ZLB > closing", "ZLB > closing", "ZLB > closing", "ZLB > closing", "ZLB > closing" } },
	{ "HELLO", { "> none", "ZLB > wait-conn", "ZLB > up", "ZLB > up/wait-connect",
	  "ZLB > up/up", "ZLB > closing", "StopCCN(7) > closing", "ZLB > up/wait-reply", "ZLB > up/up" } },
	{ "OCRQ sid=20 serial", { "> none", "StopCCN(7) > closing", "CDN(5) > up", "CDN(5) > up/wait-connect",
	  "CDN(5) > up/up", "ZLB > closing", "StopCCN(7) > closing", "CDN(5) > up/wait-reply", "CDN(5) > up/up" } },
	{ "OCRP sid", { "> none", "StopCCN(7) > closing", "ZLB > up", "CDN(2/5) > up",
	  "CDN(2/5) > up", "ZLB > closing", "StopCCN(7) > closing", "CDN(2/5) StopCCN(1) > closing", "CDN(2/5) StopCCN(1) > closing" } },
	{ "OCCN speed framing", { "> none", "StopCCN(7) > closing", "ZLB > up", "CDN(2/5) > up",
	  "CDN(2/5) > up", "ZLB > closing", "StopCCN(7) > closing", "CDN(2/5) StopCCN(1) > closing", "CDN(2/5) StopCCN(1) > closing" } },
	{ "ICRQ sid=20 serial", { "> none", "StopCCN(7) > closing", "ICRP > up/wait-connect", "ICRP > up/wait-connect+",
	  "ICRP > up/wait-connect+", "ZLB > closing", "StopCCN(7) > closing", "CDN(3) > up/wait-reply", "CDN(3) > up/up" } },
	{ "ICRP sid", { "> none", "StopCCN(7) > closing", "ZLB > up", "CDN(2/5) > up",
	  "CDN(2/5) > up", "ZLB > closing", "StopCCN(7) > closing", "ICCN > up/up", "CDN(2/5) StopCCN(1) > closing" } },
	{ "ICCN speed framing", { "> none", "StopCCN(7) > closing", "ZLB > up", "ZLB > up/up",
	  "CDN(2/5) > up", "ZLB > closing", "StopCCN(7) > closing", "CDN(2/5) StopCCN(1) > closing", "CDN(2/5) StopCCN(1) > closing" } },
	{ "CDN sid result=1", { "> none", "StopCCN(7) > closing", "ZLB > up", "ZLB > up",
	  "ZLB > up", "ZLB > closing", "StopCCN(7) > closing", "StopCCN(1) > closing", "StopCCN(1) > closing" } },
	{ "WEN", { "> none", "StopCCN(7) > closing", "ZLB > up", "CDN(2/5) > up",
	  "ZLB > up/up", "ZLB > closing", "StopCCN(7) > closing", "CDN(2/5) StopCCN(1) > closing", "ZLB > up/up" } },
	{ "SLI", { "> none", "StopCCN(7) > closing", "ZLB > up", "CDN(2/5) > up",
	  "ZLB > up/up", "ZLB > closing", "StopCCN(7) > closing", "CDN(2/5) StopCCN(1) > closing", "ZLB > up/up" } },
};

#endif
