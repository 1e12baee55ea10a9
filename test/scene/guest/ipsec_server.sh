# They dial us: first without IPsec, which must not be answered, then with it.
pair_ns
charon a; charon b
capture a va
ours a || { tell; exit 1; }
swan b --load-all --file /host/theirs.conf | grep -v directory
xl2tpd_lac b 198.51.100.1
sleep 3
fact asked_plain $(count udp port 1701 and src 198.51.100.2)
fact answered_plain $(count src 198.51.100.1 and udp port 1701)
kill $(cat /tmp/lac-b/pid); sleep 0.5
asked=$(count udp port 1701)
swan b --initiate --child l2tp | tail -n 2
xl2tpd_lac b 198.51.100.1
wait_ppp b 30 || { tell; exit 1; }
reach b 10.9.0.1
fact esp $(count esp or udp port 4500)
fact plain $(($(count udp port 1701) - asked))
cat /tmp/l2tpd.log /tmp/ipsecd.log
