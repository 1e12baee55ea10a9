# Two of the same make dial us from behind one router: b (192.168.7.2) and c (192.168.8.2) behind 198.51.100.2 (n); we are
# 198.51.100.1 (a). Inside ESP both come from 198.51.100.2 port 1701: only their associations differ.
for ns in a n b c; do ip netns add $ns; ip -n $ns link set lo up; done
ip link add va netns a type veth peer name vn netns n
ip -n a addr add 198.51.100.1/24 dev va; ip -n n addr add 198.51.100.2/24 dev vn
ip -n a link set va up; ip -n n link set vn up
for at in b:7 c:8; do
	ns=${at%:*} lan=192.168.${at#*:}
	ip link add v$ns netns n type veth peer name v0 netns $ns
	ip -n n addr add $lan.1/24 dev v$ns; ip -n $ns addr add $lan.2/24 dev v0
	ip -n n link set v$ns up; ip -n $ns link set v0 up
	ip -n $ns route add default via $lan.1
done
ip netns exec n sysctl -qw net.ipv4.ip_forward=1
modprobe -a iptable_nat xt_MASQUERADE
ip netns exec n iptables-legacy -t nat -A POSTROUTING -o vn -p udp -j MASQUERADE --random || exit 1
for ns in a b c; do charon $ns; done
capture a va
ours a || { tell; exit 1; }
for ns in b c; do
	swan $ns --load-all --file /host/theirs.conf | grep -v directory
	swan $ns --initiate --child l2tp | tail -n 2
done
for at in b:filial1 c:filial2; do
	USERNAME=${at#*:}
	xl2tpd_lac ${at%:*} 198.51.100.1
done
for ns in b c; do wait_ppp $ns 30 || { tell; ip -n a -s xfrm state; ip -n a xfrm policy; exit 1; }; done
# turn NAME: both in turn, so that answers that go the wrong way are missed.
turn() {
	n=0 got=0
	while [ $got -lt 5 ] && [ $n -lt 40 ]; do
		n=$((n+1))
		ip netns exec b ping -c 1 -W 2 -s 1000 10.9.0.1 > /dev/null 2>&1 &&
			ip netns exec c ping -c 1 -W 2 -s 1000 10.9.0.1 > /dev/null 2>&1 && got=$((got+1)) || sleep 0.2
	done
	fact $1 $got
}
turn both
# One takes new keys, then goes: the other stays.
swan b --rekey --child l2tp | tail -n 1
turn rekeyed
kill $(cat /tmp/lac-b/pid)
swan b --terminate --ike l2tp | tail -n 1
sleep 1
reach c 10.9.0.1
fact associations $(ip -n a xfrm state | grep -c 'proto esp')
fact plain $(count src 198.51.100.1 and udp port 1701)
fact bare $(count esp)
fact esp $(count udp port 4500)
# Nothing of ours leaves in the open once the key exchange is gone.
kill $(swan a --stats > /dev/null; ip netns pids a | while read p; do grep -qs charon /proc/$p/comm && echo $p; done) 2>/dev/null
sleep 1
ip -n a xfrm state flush
ip netns exec a ping -c 3 -W 1 -I 10.9.0.1 $(ip -n c -4 -o addr show | awk '$2 ~ /^ppp/{sub("/.*","",$4); print $4; exit}') > /dev/null 2>&1
sleep 2
fact plain_after $(count src 198.51.100.1 and udp port 1701)
fact guarded $(ip -n a xfrm policy | grep -c 'action block')
kill -TERM $(ip netns pids a | while read p; do grep -qs l2tpd /proc/$p/comm && echo $p; done)
sleep 1
fact guarded_after $(ip -n a xfrm policy | grep -c 'action block')
cat /tmp/l2tpd.log /tmp/ipsecd.log
