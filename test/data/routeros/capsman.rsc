# feb/11/2023 08:00:00 by RouterOS 6.49.7
/caps-man channel
add band=2ghz-b/g/n control-channel-width=20mhz extension-channel=disabled frequency=2412 name=ch1
/interface bridge
add name=bridge1 vlan-filtering=yes
/interface vlan
add interface=bridge1 name=vlan10 vlan-id=10
add interface=bridge1 name=vlan30 vlan-id=30
/caps-man datapath
add bridge=bridge1 name=dp-corp vlan-id=10 vlan-mode=use-tag
/caps-man security
add authentication-types=wpa2-psk encryption=aes-ccm name=sec1 passphrase="duas palavras"
/caps-man configuration
add channel=ch1 country=brazil datapath=dp-corp mode=ap name=cfg1 security=sec1 ssid=Empresa
/caps-man manager
set enabled=yes
/caps-man provisioning
add action=create-dynamic-enabled master-configuration=cfg1
/interface bridge vlan
add bridge=bridge1 tagged=bridge1,ether2 vlan-ids=10,30
/ip address
add address=192.168.10.1/24 interface=vlan10 network=192.168.10.0
add address=192.168.30.1/24 interface=vlan30 network=192.168.30.0
add address=203.0.113.18/29 interface=ether1 network=203.0.113.16
/ip firewall filter
add action=accept chain=input dst-port=5246,5247 protocol=udp src-address=192.168.10.0/24
add action=accept chain=input connection-state=established,related
add action=drop chain=input in-interface=ether1
add action=drop chain=forward dst-address=192.168.10.0/24 src-address=192.168.30.0/24
/ip firewall nat
add action=masquerade chain=srcnat out-interface=ether1 src-address=192.168.10.0/24
add action=masquerade chain=srcnat out-interface=ether1 src-address=192.168.30.0/24
/ip route
add distance=1 gateway=203.0.113.17
/user
set 0 comment="system default user"
/system logging action
set 3 remote=192.168.10.9
/system logging
add action=remote topics=firewall
