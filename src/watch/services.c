/*
 * services: names of well-known ports, as old programs write them instead of numbers (IANA's names and the ones of
 * /etc/services and of Cisco IOS). A table of our own, so that the same line means the same on every machine. It
 * must stay sorted: it is searched by halves.
 */
#include "watch/services.h"

struct service {
	const char *name, *port;
};

static const struct service services[] = {
	{ "afpovertcp", "548" }, { "amqp", "5672" }, { "auth", "113" }, { "bgp", "179" }, { "biff", "512" },
	{ "bootpc", "68" }, { "bootps", "67" }, { "chargen", "19" }, { "cmd", "514" }, { "cvspserver", "2401" },
	{ "daytime", "13" }, { "dhcpv6-client", "546" }, { "dhcpv6-server", "547" }, { "discard", "9" },
	{ "dnsix", "195" }, { "domain", "53" }, { "echo", "7" }, { "exec", "512" }, { "finger", "79" }, { "ftp", "21" },
	{ "ftp-data", "20" }, { "ftps", "990" }, { "ftps-data", "989" }, { "gopher", "70" }, { "h323", "1720" },
	{ "hostname", "101" }, { "http", "80" }, { "http-alt", "8080" }, { "https", "443" }, { "ident", "113" },
	{ "imap", "143" }, { "imap2", "143" }, { "imap3", "220" }, { "imaps", "993" }, { "ingreslock", "1524" },
	{ "ipp", "631" }, { "irc", "194" }, { "ircd", "6667" }, { "isakmp", "500" }, { "kerberos", "88" },
	{ "klogin", "543" }, { "kshell", "544" }, { "l2tp", "1701" }, { "ldap", "389" }, { "ldaps", "636" },
	{ "linuxconf", "98" }, { "login", "513" }, { "lpd", "515" }, { "mdns", "5353" }, { "microsoft-ds", "445" },
	{ "mobile-ip", "434" }, { "ms-sql-m", "1434" }, { "ms-sql-s", "1433" }, { "ms-wbt-server", "3389" },
	{ "mysql", "3306" }, { "nameserver", "42" }, { "nbdgm", "138" }, { "nbname", "137" }, { "nbsession", "139" },
	{ "netbios-dgm", "138" }, { "netbios-ns", "137" }, { "netbios-ss", "139" }, { "netbios-ssn", "139" },
	{ "netstat", "15" }, { "nfs", "2049" }, { "nfsd", "2049" }, { "nicname", "43" }, { "nntp", "119" },
	{ "nntps", "563" }, { "non500-isakmp", "4500" }, { "ntp", "123" }, { "openvpn", "1194" },
	{ "pcanywhere-data", "5631" }, { "pcanywhere-status", "5632" }, { "pim-auto-rp", "496" }, { "pop-2", "109" },
	{ "pop-3", "110" }, { "pop2", "109" }, { "pop3", "110" }, { "pop3s", "995" }, { "portmap", "111" },
	{ "postgresql", "5432" }, { "pptp", "1723" }, { "printer", "515" }, { "qotd", "17" }, { "radius", "1812" },
	{ "radius-acct", "1813" }, { "redis", "6379" }, { "rip", "520" }, { "router", "520" }, { "rsync", "873" },
	{ "rtsp", "554" }, { "secureid-udp", "5510" }, { "shell", "514" }, { "sip", "5060" }, { "sip-tls", "5061" },
	{ "smtp", "25" }, { "smtps", "465" }, { "smux", "199" }, { "snmp", "161" }, { "snmp-trap", "162" },
	{ "snmptrap", "162" }, { "socks", "1080" }, { "sqlnet", "1521" }, { "squid", "3128" }, { "ssdp", "1900" },
	{ "ssh", "22" }, { "submission", "587" }, { "submissions", "465" }, { "sunrpc", "111" }, { "supdup", "95" },
	{ "svn", "3690" }, { "syslog", "514" }, { "syslog-tls", "6514" }, { "systat", "11" }, { "tacacs", "49" },
	{ "talk", "517" }, { "tcpmux", "1" }, { "telnet", "23" }, { "telnets", "992" }, { "tftp", "69" }, { "time", "37" },
	{ "uucp", "540" }, { "vnc", "5900" }, { "webcache", "8080" }, { "who", "513" }, { "whois", "43" },
	{ "www", "80" }, { "x11", "6000" }, { "xdmcp", "177" }, { "xmpp-client", "5222" }, { "xmpp-server", "5269" },
};

static int
compare(struct str a, const char *z)
{
	for (size_t i = 0; i < a.n; i++) {
		char c = a.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 32);
		if (c != z[i])
			return (unsigned char)c < (unsigned char)z[i] ? -1 : 1;
	}
	return z[a.n] ? -1 : 0;
}

struct str
service_port(struct str name)
{
	size_t low = 0, high = ARRAY_LEN(services);

	while (low < high) {
		size_t mid = (low + high) / 2;
		int c = compare(name, services[mid].name);

		if (c == 0)
			return str_z(services[mid].port);
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return STR_NULL;
}
