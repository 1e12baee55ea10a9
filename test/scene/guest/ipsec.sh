# In the guest: Guarita in namespace a (198.51.100.1), strongSwan with xl2tpd and pppd in namespace b, a capture between.
# Sourced after the testbed's lib.sh. Programs and configurations of ours lie in /host.
for m in l2tp_ppp ppp_mppe tun esp4 xfrm_user af_key authenc cbc gcm aes_generic sha1_generic sha256_generic hmac; do
	modprobe $m 2>/dev/null
done
secrets

# charon NETNS: strongSwan with a control socket and a /run of its own.
charon() {
	mkdir -p /tmp/c-$1
	cat > /tmp/c-$1/strongswan.conf <<-X
	charon {
		load = random nonce aes hmac sha1 sha2 pem pkcs1 pkcs8 x509 pubkey gmp kdf kernel-netlink socket-default vici
		plugins { vici { socket = unix:///tmp/c-$1/vici } }
		filelog { stderr { default = 1 } }
	}
	X
	STRONGSWAN_CONF=/tmp/c-$1/strongswan.conf ip netns exec $1 unshare -m \
		sh -c "mount -t tmpfs x /run; exec /usr/lib/ipsec/charon" > /tmp/c-$1/log 2>&1 &
	n=0
	while ! swan $1 --stats > /dev/null && [ $n -lt 100 ]; do n=$((n+1)); sleep 0.1; done
}
swan() { where=$1; shift; swanctl "$@" --uri unix:///tmp/c-$where/vici 2>&1; }

# ours NETNS: l2tpd and ipsecd with /host/ours.conf.
ours() {
	for role in l2tpd ipsecd; do
		LD_LIBRARY_PATH=/host/lib ip netns exec $1 /host/bin/$role --config /host/ours.conf > /tmp/$role.log 2>&1 &
	done
	until_said /tmp/l2tpd.log 'ready on port' && until_said /tmp/ipsecd.log 'protects the tunnels'
}
# until_said FILE WORDS
until_said() {
	n=0
	while ! grep -qs "$2" $1 && [ $n -lt 300 ]; do n=$((n+1)); sleep 0.1; done
	grep -q "$2" $1
}

# capture NETNS INTERFACE; then count FILTER...: packets so far that match.
capture() { ip netns exec $1 tcpdump -U -n -i $2 -w /tmp/cap 2>/dev/null & sleep 0.5; }
count() { sleep 0.3; tcpdump -n -r /tmp/cap "$@" 2>/dev/null | wc -l; }
# fact NAME VALUE: a line that the scene reads.
fact() { echo "FACT $1=$2"; }
# reach NETNS ADDRESS: packets of 1,000 bytes until five are answered; the first ones may come before the route.
reach() {
	n=0 got=0
	while [ $got -lt 5 ] && [ $n -lt 40 ]; do
		n=$((n+1))
		ip netns exec $1 ping -c 1 -W 2 -s 1000 $2 > /dev/null 2>&1 && got=$((got+1)) || sleep 0.2
	done
	fact replies $got
}
tell() { show /tmp/l2tpd.log /tmp/ipsecd.log /tmp/lac-*/log /tmp/lns-*/log /tmp/c-a/log; }
