package programs

func queues() []Program {
	return []Program{
		{
			Name: "rabbitmq-server", Aliases: []string{"rabbitmq"}, Root: CanRoot,
			Why:   "Its wrapper script lets only root and its own account start it.",
			Ports: []string{"4369/tcp", "5671/tcp", "5672/tcp", "15672/tcp", "25672/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"rabbitmq-server"},
					Account:     packaged("rabbitmq", 999, 999, "/var/lib/rabbitmq").insists(),
					Writes:      []Path{tree("/var/lib/rabbitmq").owned(), tree("/var/log/rabbitmq").owned(), dir("/etc/rabbitmq").owned().optional(), dir("/run/rabbitmq").optional()},
					Reads:       []Path{file("/var/lib/rabbitmq/.erlang.cookie").owned()},
					VerifiedLab: "bookworm",
				},
				{
					Families: []string{"debian"}, Images: []string{"rabbitmq"},
					Account: shipped("rabbitmq", 999, 999, "/var/lib/rabbitmq"),
					Writes:  []Path{dir("/var/lib/rabbitmq").owned().volume(), dir("/var/log/rabbitmq").owned(), tree("/etc/rabbitmq").owned()},
					Note:    "The entry point changes to rabbitmq only when it starts as root.",
				},
				{
					Families: []string{"alpine"}, Images: []string{"rabbitmq"},
					Account: shipped("rabbitmq", 100, 101, "/var/lib/rabbitmq"),
					Writes:  []Path{dir("/var/lib/rabbitmq").owned().volume(), dir("/var/log/rabbitmq").owned(), tree("/etc/rabbitmq").owned()},
					Note:    "The entry point changes to rabbitmq only when it starts as root.",
				},
			},
			Sources: []string{debian("rabbitmq-server"), "https://github.com/docker-library/rabbitmq/blob/master/4.1/ubuntu/Dockerfile"},
		},
		{
			Name: "mosquitto", Root: CanRoot,
			Why:   "It needs root only to change to the account of its user setting.",
			Ports: []string{"1883/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"mosquitto"},
					Account:     packaged("mosquitto", 999, 999, "/var/lib/mosquitto"),
					Writes:      []Path{dir("/var/lib/mosquitto").owned(), dir("/var/log/mosquitto").owned(), dir("/run/mosquitto")},
					Pid:         "/run/mosquitto/mosquitto.pid",
					VerifiedLab: "bookworm",
				},
				{
					Families: []string{"alpine"}, Packages: []string{"mosquitto"},
					Account: packaged("mosquitto", 100, 101, "/var/empty"),
					Writes:  []Path{dir("/var/lib/mosquitto"), dir("/var/log/mosquitto"), dir("/run/mosquitto")},
				},
				{
					Images: []string{"eclipse-mosquitto"}, Account: shipped("mosquitto", 1883, 1883, "/var/empty"),
					Writes: []Path{dir("/mosquitto/data").owned().volume(), dir("/mosquitto/log").owned().volume(), dir("/mosquitto/config").owned().optional()},
				},
			},
			Sources: []string{debian("mosquitto"), alpine("main/mosquitto"), "https://github.com/eclipse-mosquitto/mosquitto/blob/master/docker/2.1-alpine/Dockerfile", "https://mosquitto.org/man/mosquitto-conf-5.html"},
		},
		{
			Name: "nats-server", Aliases: []string{"nats-streaming-server", "gnatsd"}, Root: CanRoot,
			Why:   "It needs nothing of root.",
			Ports: []string{"4222/tcp", "6222/tcp", "8222/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"nats-server"},
					Account:     packaged("nats", 999, 999, "/nonexistent"),
					Writes:      []Path{file("/run/nats-server.pid").optional(), file("/var/log/nats-server.log").optional(), dir("/var/lib/nats").optional().why("JetStream's store_dir")},
					VerifiedLab: "bookworm",
				},
				{
					Images: []string{"nats"},
					Writes: []Path{dir("/tmp/nats").optional().why("JetStream's store when none is set")},
				},
			},
			Sources: []string{debian("nats-server"), "https://github.com/nats-io/nats-docker/blob/main/2.14.x/scratch/Dockerfile"},
		},
		{
			Name: "kafka", Root: CanRoot,
			Aliases: []string{"kafka-server-start.sh", "kafka-server-start", "kafka.Kafka", "connect-distributed.sh", "connect-standalone.sh"},
			Why:     "It needs nothing of root.",
			Ports:   []string{"9092/tcp", "9093/tcp"},
			Variants: []Variant{
				{
					Images: []string{"apache/kafka"}, Account: shipped("appuser", 1000, 1000, "/home/appuser"),
					Writes: []Path{tree("/opt/kafka/logs").owned(), tree("/opt/kafka/config").owned(), dir("/mnt/shared/config").volume(), dir("/etc/kafka/secrets").volume(), dir("/var/lib/kafka/data").owned().volume()},
					Note:   "The image is already non-root.",
				},
				{
					Writes: []Path{dir("/tmp/kafka-logs").optional().why("log.dirs of the configuration it comes with"), tree("/opt/kafka/logs").why("its own log, beside bin")},
				},
			},
			Unpacked: &Unpacked{Env: []string{"KAFKA_HOME"}, Writes: []Path{dir("{prefix}/logs").why("its own log, beside bin")}},
			Sources:  []string{"https://github.com/apache/kafka/blob/trunk/docker/jvm/Dockerfile", "https://kafka.apache.org/documentation/#brokerconfigs_log.dirs"},
		},
		{
			Name: "zookeeper", Root: CanRoot,
			Aliases: []string{"zkServer.sh", "zookeeper-server-start.sh", "zookeeper-server-start", "org.apache.zookeeper.server.quorum.QuorumPeerMain"},
			Why:     "It needs nothing of root.",
			Ports:   []string{"2181/tcp", "2888/tcp", "3888/tcp", "8080/tcp"},
			Variants: []Variant{
				{
					Families: []string{"debian"}, Packages: []string{"zookeeper", "zookeeperd"},
					Account:     packaged("zookeeper", 999, 999, "/var/lib/zookeeper"),
					Writes:      []Path{tree("/var/lib/zookeeper").owned(), tree("/var/log/zookeeper").owned(), dir("/run/zookeeper")},
					Pid:         "/run/zookeeper/zookeeper.pid",
					VerifiedLab: "bookworm",
				},
				{
					Images: []string{"zookeeper"}, Account: shipped("zookeeper", 1000, 1000, "/home/zookeeper"),
					Writes: []Path{dir("/data").owned().volume(), dir("/datalog").owned().volume(), dir("/logs").owned().volume(), dir("/conf").owned()},
					Note:   "The entry point changes to zookeeper only when it starts as root.",
				},
			},
			Unpacked: &Unpacked{Env: []string{"ZOOKEEPER_HOME", "ZK_HOME", "ZOO_HOME"}, Writes: []Path{dir("{prefix}/logs")}},
			Sources:  []string{debian("zookeeper"), "https://github.com/31z4/zookeeper-docker/blob/master/3.9.4/Dockerfile"},
		},
		{
			Name: "activemq", Aliases: []string{"artemis", "activemq-artemis"}, Root: CanRoot,
			Why:   "It needs nothing of root.",
			Ports: []string{"61616/tcp", "8161/tcp"},
			Variants: []Variant{{
				Images: []string{"apache/activemq-classic"}, Account: shipped("activemq", 1000, 1000, "/opt/apache-activemq"),
				Writes: []Path{tree("/opt/apache-activemq/data"), tree("/opt/apache-activemq/conf").optional(), dir("/opt/apache-activemq/tmp")},
			}},
			Unpacked: &Unpacked{Env: []string{"ACTIVEMQ_BASE", "ACTIVEMQ_HOME"}, Writes: []Path{tree("{prefix}/data"), dir("{prefix}/tmp")}},
			Sources:  []string{"https://github.com/apache/activemq/tree/main/assembly/src/docker"},
		},
		{
			Name: "beanstalkd", Root: CanRoot,
			Why:   "It needs nothing of root.",
			Ports: []string{"11300/tcp"},
			Variants: []Variant{{
				Families: []string{"debian"}, Packages: []string{"beanstalkd"},
				Account:     packaged("beanstalkd", 999, 999, "/var/lib/beanstalkd"),
				Writes:      []Path{dir("/var/lib/beanstalkd").owned().optional().why("the binlog, with -b")},
				VerifiedLab: "bookworm",
			}},
			Sources: []string{debian("beanstalkd")},
		},
	}
}
