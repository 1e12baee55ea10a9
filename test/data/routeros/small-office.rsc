# 2023-11-02 14:22:10 by RouterOS 7.11.2
# software id = 7777-8888
/interface ethernet
set [ find default-name=ether1 ] comment=WAN
set [ find default-name=ether2 ] comment="LAN; \"contabilidade\""
/interface l2tp-server
add name=l2tp-filial1 user=filial1
/ip pool
add name=vpn ranges=10.255.0.10-10.255.0.50
/ppp profile
set *0 use-mpls=no
add dns-server=192.168.1.1 local-address=10.255.0.1 name=vpn-users remote-address=vpn use-encryption=required
/interface l2tp-server server
set authentication=mschap2 default-profile=vpn-users enabled=yes ipsec-secret="chave \3F longa" use-ipsec=required
/ip address
add address=200.200.200.2/29 interface=ether1 network=200.200.200.0
add address=192.168.1.1/24 interface=ether2 network=192.168.1.0
add address=2001:db8:10::1/64 interface=ether2
/ip firewall filter
add action=accept chain=input dst-port=500,4500,1701 protocol=udp in-interface=ether1
add action=accept chain=input in-interface=ether1 protocol=ipsec-esp
add action=accept chain=input src-address=192.168.1.0/24
add action=accept chain=input connection-state=established,related
add action=drop chain=input
add action=accept chain=forward in-interface=ether2 out-interface=ether1 dst-port=80,443,110,995,587 protocol=tcp
add action=accept chain=forward in-interface=ether2 out-interface=ether1 dst-port=53,123 protocol=udp
add action=accept chain=forward in-interface=all-ppp
add action=accept chain=forward connection-state=established,related
add action=drop chain=forward
/ip firewall nat
add action=masquerade chain=srcnat out-interface=ether1
add action=dst-nat chain=dstnat dst-address=200.200.200.2 dst-port=3389 protocol=tcp src-address=203.0.113.77 \
    to-addresses=192.168.1.5
/ip route
add disabled=no distance=1 dst-address=0.0.0.0/0 gateway=200.200.200.1 pref-src="" routing-table=main \
    scope=30 suppress-hw-offload=no target-scope=10
add disabled=no dst-address=192.168.2.0/24 gateway=l2tp-filial1 routing-table=main
/ppp secret
add name=filial1 password="s3gr\$do" profile=vpn-users service=l2tp remote-address=10.255.0.2
add disabled=yes name=exfuncionario password=123 service=l2tp
/system identity
set name=Matriz
