# They dial us from behind a router that hides them: 192.168.7.0/24 (b) behind 198.51.100.2 (n); we are 198.51.100.1 (a).
for ns in a n b; do ip netns add $ns; ip -n $ns link set lo up; done
ip link add va netns a type veth peer name vn netns n
ip link add vi netns n type veth peer name vb netns b
ip -n a addr add 198.51.100.1/24 dev va; ip -n n addr add 198.51.100.2/24 dev vn
ip -n n addr add 192.168.7.1/24 dev vi; ip -n b addr add 192.168.7.2/24 dev vb
for at in a:va n:vn n:vi b:vb; do ip -n ${at%:*} link set ${at#*:} up; done
ip -n b route add default via 192.168.7.1
ip netns exec n sysctl -qw net.ipv4.ip_forward=1
modprobe -a iptable_nat xt_MASQUERADE
ip netns exec n iptables-legacy -t nat -A POSTROUTING -o vn -p udp -j MASQUERADE --random || exit 1
charon a; charon b
capture a va
ours a || { tell; exit 1; }
swan b --load-all --file /host/theirs.conf | grep -v directory
swan b --initiate --child l2tp | tail -n 2
xl2tpd_lac b 198.51.100.1
wait_ppp b 30 || { tell; exit 1; }
reach b 10.9.0.1
fact esp $(count udp port 4500)
fact bare $(count esp)
fact plain $(count udp port 1701)
cat /tmp/l2tpd.log /tmp/ipsecd.log
