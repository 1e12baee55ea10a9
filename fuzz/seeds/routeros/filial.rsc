/system identity set name=filial30
/interface ethernet set [ find default-name=ether1 ] name="ether1 - internet do operador"
/interface l2tp-client add connect-to=203.0.113.10 disabled=no name=vpn-matriz password=abc user=filial30
/ip pool add name=pool1 ranges=192.168.30.10-192.168.30.100 next-pool=pool2
/ip dhcp-server add address-pool=pool1 disabled=no interface=lan name=dhcp1
/ip dhcp-server network add address=192.168.30.0/24 dns-server=192.168.30.254 gateway=10.1.1.3
/ip dhcp-client add disabled=no interface="ether1 - internet do operador"
/ip address add address=192.168.30.254/24 interface=lan
/ip address add address=10.1.1.1/24 interface=proxy
/ip route add dst-address=192.168.0.0/24 gateway=vpn-matriz
/ip firewall nat add action=masquerade chain=srcnat out-interface="ether1 - internet do operador" src-address=10.1.1.0/24
/ip firewall nat add action=masquerade chain=srcnat disabled=yes out-interface="ether1 - internet do operador" src-address=192.168.30.0/24
/ip firewall filter add action=accept chain=input in-interface=all-ppp
