# We dial them: no packet leaves before IPsec stands.
pair_ns
charon a; charon b
swan b --load-all --file /host/theirs.conf | grep -v directory
xl2tpd_lns b 10.9.0.1 10.9.0.10-10.9.0.99
capture a va
ours a || { tell; exit 1; }
until_said /tmp/l2tpd.log vpn.up || { tell; exit 1; }
reach a 10.9.0.1
fact esp $(count esp or udp port 4500)
fact plain $(count udp port 1701)
cat /tmp/l2tpd.log /tmp/ipsecd.log
