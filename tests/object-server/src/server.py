"""S3 in memory on a port that is free; ends with its standard input.

Takes the name of a bucket, and `checked` where it shall know its own keys alone: those are printed, with a session token.
"""

import json
import os
import sys

# The client that makes keys looks for its own nowhere else.
os.environ.update(AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret", AWS_DEFAULT_REGION="us-east-1")

from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
port = server.get_host_and_port()[1]
endpoint = f"http://127.0.0.1:{port}"
bucket, *checked = sys.argv[1:]
keys = ["key", "secret", "token"]
if checked:
    import boto3
    from moto import settings

    boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket=bucket)
    iam = boto3.client("iam", endpoint_url=endpoint)
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="all", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", **trust}))["Role"]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="all", PolicyName="all", PolicyDocument=json.dumps(policy))
    sts = boto3.client("sts", endpoint_url=endpoint)
    made = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]
    keys = [made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]]
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
else:
    import urllib.request

    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{bucket}", method="PUT"))
print(port, *keys, flush=True)
sys.stdin.read()
