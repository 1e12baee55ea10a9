# In the guest: xl2tpd with pppd, in kernel mode unless said otherwise. Sourced after the testbed's lib.sh.
#   AUTH    what pppd may prove itself by: pap, chap, mschap-v2
#   L2TP    lines for the [lac] or [lns] section, \n between
#   GLOBAL  lines for the [global] section
#   PPP     words for pppd, one option a word
mods
secrets
echo '* * tunel' > /etc/xl2tpd/l2tp-secrets
all="pap chap mschap mschap-v2 eap"

ppp_words() {
	printf '%s\n' mtu\ 1400 mru\ 1400 nodefaultroute debug "logfile /tmp/ppp.log"
	for word in $PPP; do echo "$word"; done
}
# dial SERVER
dial() {
	{ ppp_words; echo "user filial1"; echo noauth; echo noipdefault
	  for a in $all; do case " $AUTH " in *" $a "*) ;; *) echo "refuse-$a";; esac; done; } > /tmp/ppp
	printf '[global]\nport = 1701\nauth file = /etc/xl2tpd/l2tp-secrets\n%b\n[lac hq]\nlns = %s\npppoptfile = /tmp/ppp\nautodial = yes\n%b\n' \
		"$GLOBAL" "$1" "$L2TP" > /tmp/conf
	xl2tpd -D -c /tmp/conf -p /tmp/pid -C /tmp/ctl > /tmp/log 2>&1 &
}
# serve: 10.9.0.1, gives 10.9.0.10 and on
serve() {
	{ ppp_words; echo auth; echo "name matriz"; echo ipcp-accept-remote; for a in $AUTH; do echo "require-$a"; done; } > /tmp/ppp
	printf '[global]\nport = 1701\nauth file = /etc/xl2tpd/l2tp-secrets\n%b\n[lns default]\nip range = 10.9.0.10-10.9.0.99\nlocal ip = 10.9.0.1\npppoptfile = /tmp/ppp\nname = matriz\n%b\n' \
		"$GLOBAL" "$L2TP" > /tmp/conf
	xl2tpd -D -c /tmp/conf -p /tmp/pid -C /tmp/ctl > /tmp/log 2>&1 &
}
# reach ADDRESS: three answers, the first packets may come before the route.
reach() {
	n=0 got=0
	while [ $got -lt 3 ] && [ $n -lt 40 ]; do
		n=$((n+1))
		ping -c 1 -W 2 -s 1000 $1 > /dev/null 2>&1 && got=$((got+1)) || sleep 0.2
	done
	[ $got -ge 3 ]
}
